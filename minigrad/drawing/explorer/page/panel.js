// The panel about one node, and pieces that other panels use too.

const MAP_WIDTH = 344; // pixels

function section(title, ...content) {
  return element("section", {}, element("h3", {}, title), content);
}

/** A node as a button that selects it. */
function nodeButton(page, node, label = null) {
  return button(
    [span("node-name", label ?? nodeTitle(node)), span("node-shape", node.shape)],
    () => page.choose(node.number),
    { class: `node-button ${swatchOf(node)}`, "aria-label": `${label ?? nodeTitle(node)}, ${spoken(node)}` },
  );
}

function nodeTitle(node) {
  return node.name ?? `%${node.number} ${node.op ?? node.role}`;
}

function swatchOf(node) {
  return node.role === "op" ? `order-${Math.min(node.order, 3)}` : node.role;
}

// --- one node ---

function nodePanel(page, node, taken) {
  const { graph } = page;
  return [
    block(
      "heading",
      element("h2", { class: "breakable" }, node.name ?? node.op ?? node.role),
      paragraph(
        "tags",
        span(`tag ${swatchOf(node)}`, node.op ?? node.role),
        node.output && span("tag", "output"),
        span("size", node.shape),
        " ",
        span("faint", node.dtype),
      ),
    ),
    paragraph("code breakable", `%${node.number} = ${node.expression}`),
    graph.formulas.has(node.op) && paragraph("formula", graph.formulas.get(node.op)),
    equalsNote(page, node),
    valueSection(page, node, taken),
    inputsSection(page, node),
    usersSection(page, node),
    keptSection(page, node),
    placeSection(page, node),
  ];
}

/** In a view with folded scopes, a box may stand for several nodes. */
function equalsNote(page, node) {
  const box = page.view.boxOf.get(node.number);
  if (!box || box.kind !== "node" || box.members.length < 2) return null;
  const others = box.members.map((number) =>
    button(`%${number}`, () => page.chooseApart(number), {
      class: "chip",
      "aria-label": nameOf(page.graph.nodes[number]),
      title: nameOf(page.graph.nodes[number]),
    }),
  );
  return block("note", paragraph("", `Drawn once for ${box.members.length} equal nodes:`), paragraph("chips", others));
}

function valueSection(page, node, taken) {
  if (node.attention && node.value !== undefined) return attentionSection(page, node, taken);
  return [section("Value", valueOf(page, node, taken)), section("Gradient", gradientOf(page, node, taken))];
}

function valueOf(page, node, taken) {
  if (node.value === undefined) return paragraph("faint", "No values: the graph was recorded on shapes.");
  if (taken && node.computed >= taken) return paragraph("faint", "Not computed yet at this step.");
  const numbers = numbersOf(page.graph, node.value);
  const scale = valueScale(node, numbers);
  return [
    heatMap({
      numbers,
      grid: node.grid,
      scale,
      width: MAP_WIDTH,
      label: `value of ${nameOf(node)}`,
      names: namesFor(page.graph, node),
    }),
    underMap(node, scale, numbers),
    statisticsOf(node.statistics),
  ];
}

/** Attention weights are shown on the scale from 0 to 1, unless all of them are tiny. */
function valueScale(node, numbers) {
  const scale = scaleFor([numbers]);
  const isWeights = node.op === "softmax" && !scale.signed && scale.limit >= 0.1 && scale.limit <= 1;
  return isWeights ? { limit: 1, signed: false } : scale;
}

function gradientOf(page, node, taken) {
  const sofar = taken && node.written.length ? gradientSoFar(page, node, taken) : null;
  if (sofar) return sofar;
  if (node.gradient === undefined) return paragraph("faint", `None: ${reasonOf(page.graph, node)}`);
  const numbers = numbersOf(page.graph, node.gradient);
  const scale = scaleFor([numbers], true);
  return [
    heatMap({
      numbers,
      grid: node.grid,
      scale,
      width: MAP_WIDTH,
      label: `gradient of ${nameOf(node)}`,
      names: namesFor(page.graph, node),
    }),
    underMap(node, scale, numbers),
    statisticsOf(node.gradientStatistics),
    node.swept !== undefined && paragraph("note", "It also holds what earlier calls of backward had added."),
  ];
}

function gradientSoFar(page, node, taken) {
  const { sum, count } = accumulated(page.graph, node, taken);
  const all = node.written.length;
  if (count === all && node.gradient !== undefined) return null; // complete: shown with its statistics
  if (!sum) return paragraph("faint", `Nothing has arrived yet at this step; ${countOf(all, "contribution")} will.`);
  const scale = scaleFor([sum], true);
  return [
    paragraph("", `So far: ${count} of ${countOf(all, "contribution")}.`),
    heatMap({
      numbers: sum,
      grid: node.grid,
      scale,
      width: MAP_WIDTH,
      label: `gradient of ${nameOf(node)} so far`,
      names: namesFor(page.graph, node),
    }),
    scaleBar(scale),
  ];
}

function reasonOf(graph, node) {
  const reason = node.absent ?? "not computed";
  if (reason !== "not computed") return `${reason}.`;
  if (graph.gradients === "graph") return "gradients are nodes of their own here, beside the forward pass.";
  return "not computed; call loss.backward(keep=True) before loss.graph().";
}

/** The colours of the map, and which elements it leaves out. */
function underMap(node, scale, numbers) {
  const [slices, rows, columns] = node.grid;
  const cut = [slices, rows, columns].filter(([, stride]) => stride > 1);
  const axes = [
    ["slice", slices],
    ["row", rows],
    ["column", columns],
  ].filter(([, [, stride]]) => stride > 1);
  return [
    numbers.length > 1 && scaleBar(scale),
    cut.length > 0 &&
      paragraph(
        "faint small",
        `Shown: ${axes.map(([noun, [size, stride]]) => `every ${ordinal(stride)} ${noun} of ${size}`).join(", ")}.`,
      ),
  ];
}

function ordinal(count) {
  const suffix = { 1: "st", 2: "nd", 3: "rd" }[count % 10] ?? "th";
  return `${count}${Math.floor(count / 10) % 10 === 1 ? "th" : suffix}`;
}

function statisticsOf(found) {
  if (!found) return null;
  const rows = ["min", "max", "mean", "norm"].filter((name) => name in found);
  const odd = [
    ["NaN", found.nan],
    ["infinite", found.inf],
  ].filter(([, count]) => count);
  const counts = found.histogram;
  return block(
    "statistics",
    element(
      "dl",
      {},
      rows.map((name) =>
        block("", element("dt", {}, name), element("dd", { title: String(found[name]) }, shown(numberOf(found[name])))),
      ),
      odd.map(([name, count]) => block("odd", element("dt", {}, name), element("dd", {}, String(count)))),
    ),
    counts && histogram(counts, numberOf(found.min), numberOf(found.max)),
  );
}

/** Texts of tokens for the axes that are as long as there are tokens. */
function namesFor(graph, node) {
  const [, [rows], [columns]] = node.grid;
  const { tokens } = graph;
  if (!tokens.length || !(node.attention || ["weights", "scores"].includes(node.name))) return {};
  return {
    rows: rows === tokens.length && rows > 1 ? tokens : undefined,
    columns: columns === tokens.length ? tokens : undefined,
  };
}

// --- around the node ---

function inputsSection(page, node) {
  if (!node.inputs.length) return null;
  const { graph } = page;
  const rows = node.inputs.map((input) =>
    element(
      "li",
      {},
      span("argument", input.argument),
      input.node === undefined ? span("code", input.number) : nodeButton(page, graph.nodes[input.node]),
      input.broadcast && paragraph("faint small", `broadcast ${input.broadcast}`),
      input.rule !== undefined &&
        paragraph("rule", span("faint", "gradient "), span("breakable", graph.rules[input.rule])),
    ),
  );
  const explained = node.inputs.some((input) => input.rule !== undefined);
  return section(
    "Inputs",
    element("ul", { class: "uses" }, rows),
    explained && paragraph("faint small", "In rules, g is the gradient of this node and y its value."),
    strongNote(...node.inputs.filter((input) => input.rule !== undefined).map((input) => graph.rules[input.rule])),
  );
}

function usersSection(page, node) {
  const next = page.graph.updates
    .filter(([, value]) => value === node.number)
    .map(([state]) => page.graph.nodes[state]);
  return [
    node.users.length > 0 &&
      section(
        "Used by",
        block(
          "users",
          node.users.map((user) => nodeButton(page, user)),
        ),
      ),
    next.length > 0 &&
      section(
        "Becomes the next value of",
        block(
          "users",
          next.map((state) => nodeButton(page, state)),
        ),
      ),
  ];
}

function keptSection(page, node) {
  if (!node.kept && !node.inputs.some((input) => input.rule !== undefined)) return null;
  const kept = node.kept ?? [];
  if (!kept.length) return section("Kept for backward", paragraph("", "Nothing: no rule reads a value."));
  const total = kept.reduce((sum, [number]) => sum + page.graph.nodes[number].bytes, 0);
  return section(
    "Kept for backward",
    element(
      "ul",
      { class: "uses" },
      kept.map(([number, letter]) =>
        element(
          "li",
          {},
          span("argument", letter),
          number === node.number ? span("", "the result itself") : nodeButton(page, page.graph.nodes[number]),
          span("faint small bytes", bytes(page.graph.nodes[number].bytes)),
        ),
      ),
    ),
    kept.length > 1 && paragraph("faint small", `${bytes(total)} in all`),
  );
}

function placeSection(page, node) {
  const facts = [
    node.scope && ["scope", scopeButton(page, node.scope)],
    node.line && ["made at", span("code", node.line)],
    node.purpose && ["made for", span("code", node.purpose)],
    ["size", bytes(node.bytes)],
  ].filter(Boolean);
  return section(
    "Where",
    element(
      "dl",
      { class: "facts" },
      facts.map(([term, fact]) => block("", element("dt", {}, term), element("dd", {}, fact))),
    ),
  );
}

function scopeButton(page, path) {
  return button(path, () => page.open(path), { class: "link breakable", title: "Open this scope" });
}
