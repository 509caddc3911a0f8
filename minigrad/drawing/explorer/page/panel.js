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

/** Its own name, or its number and operation with what it is a result of. */
function nodeTitle(node) {
  if (node.name) return node.name;
  return `%${node.number} ${kindOf(node)}${node.called && node.called !== node.op ? ` (${node.called})` : ""}`;
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
      element("h2", { class: "breakable" }, node.name ?? kindOf(node)),
      paragraph(
        "tags",
        span(`tag ${swatchOf(node)}`, kindOf(node)),
        node.output && span("tag", words("output")),
        span("size", node.shape),
        " ",
        span("faint", node.dtype),
      ),
    ),
    paragraph("code breakable", `%${node.number} = ${node.op ? node.expression : kindOf(node)}`),
    formulaOf(page, node),
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
  return block("note", paragraph("", words("drawnOnce", box.members.length)), paragraph("chips", others));
}

function valueSection(page, node, taken) {
  if (node.attention && node.value !== undefined) return attentionSection(page, node, taken);
  return [
    section(words("value"), valueOf(page, node, taken)),
    section(words("gradientHeading"), gradientOf(page, node, taken), originButton(page, node)),
  ];
}

function valueOf(page, node, taken) {
  if (node.value === undefined) return paragraph("faint breakable", whyNoValue(page.graph, node));
  if (taken && node.computed >= taken) return paragraph("faint", words("notYet"));
  const numbers = numbersOf(page.graph, node.value);
  const scale = valueScale(node, numbers);
  return [
    heatMap({
      numbers,
      grid: node.grid,
      scale,
      width: MAP_WIDTH,
      label: words("valueOf", nameOf(node)),
      names: namesFor(page.graph, node),
    }),
    underMap(node, scale, numbers),
    statisticsOf(node.statistics),
  ];
}

function whyNoValue(graph, node) {
  if (graph.captured) return words("noValues");
  return node.failure ? [words("failed"), " ", span("code", node.failure)] : words("notComputed");
}

/** Attention weights are shown on the scale from 0 to 1, unless all of them are tiny. */
function valueScale(node, numbers) {
  const scale = scaleFor([numbers], false, node.statistics);
  const isWeights = node.op === "softmax" && !scale.signed && scale.limit >= 0.1 && scale.limit <= 1;
  return isWeights ? { limit: 1, signed: false } : scale;
}

function gradientOf(page, node, taken) {
  const sofar = taken && node.written.length ? gradientSoFar(page, node, taken) : null;
  if (sofar) return sofar;
  if (node.gradient === undefined) return paragraph("faint", words("none", reasonOf(page.graph, node)));
  const numbers = numbersOf(page.graph, node.gradient);
  const scale = scaleFor([numbers], true, node.gradientStatistics);
  return [
    heatMap({
      numbers,
      grid: node.grid,
      scale,
      width: MAP_WIDTH,
      label: words("gradientOf", nameOf(node)),
      names: namesFor(page.graph, node),
    }),
    underMap(node, scale, numbers),
    statisticsOf(node.gradientStatistics),
    node.swept !== undefined && paragraph("note", words("earlierCalls")),
  ];
}

function gradientSoFar(page, node, taken) {
  const { sum, count } = accumulated(page.graph, node, taken);
  const all = node.written.length;
  if (count === all && node.gradient !== undefined) return null; // complete: shown with its statistics
  if (!sum) return paragraph("faint", words("nothingYet", countOf(all, "contribution")));
  const scale = scaleFor([sum], true);
  return [
    paragraph("", words("soFar", count, countOf(all, "contribution"))),
    heatMap({
      numbers: sum,
      grid: node.grid,
      scale,
      width: MAP_WIDTH,
      label: words("gradientSoFar", nameOf(node)),
      names: namesFor(page.graph, node),
    }),
    scaleBar(scale),
  ];
}

/** Leads to the step that completes the gradient: where it comes from. */
function originButton(page, node) {
  if (!node.written.length) return null;
  const question = words("showOrigin", calledOf(node));
  return button([question, " ", element("kbd", {}, "g")], () => page.showOrigin(node), { class: "origin" });
}

function reasonOf(graph, node) {
  const [reason, ...details] = [node.absent ?? "not computed"].flat();
  const known = `absent ${reason}`;
  if (reason !== "not computed") return words("because", known in TEXTS ? words(known, ...details) : reason);
  return words(graph.gradients === "graph" ? "becauseNodes" : "becauseNotComputed");
}

/** The colours of the map, and which elements it leaves out. */
function underMap(node, scale, numbers) {
  const cut = ["slices", "rows", "columns"].filter((name) => node.grid[name].places.length < node.grid[name].size);
  const parts = cut.map((name) => {
    const { size, places, stride } = node.grid[name];
    return words(stride === null ? "shownWherePresent" : "shownEvenly", places.length, size, words(name));
  });
  return [
    numbers.length > 1 && scaleBar(scale),
    parts.length > 0 && paragraph("faint small", words("shownPart", parts.join(words("comma")))),
  ];
}

function statisticsOf(found) {
  if (!found) return null;
  const rows = ["min", "max", "mean", "norm"].filter((name) => name in found);
  const odd = [
    ["NaN", found.nan],
    [words("infinite"), found.inf],
  ].filter(([, count]) => count);
  const counts = found.histogram;
  return block(
    "statistics",
    element(
      "dl",
      {},
      rows.map((name) =>
        block(
          "",
          element("dt", {}, words(name)),
          element("dd", { title: String(found[name]) }, shown(numberOf(found[name]))),
        ),
      ),
      odd.map(([name, count]) => block("odd", element("dt", {}, name), element("dd", {}, String(count)))),
    ),
    counts && histogram(counts, numberOf(found.min), numberOf(found.max)),
  );
}

/** Texts of tokens for the axes that are as long as there are tokens. */
function namesFor(graph, node) {
  const [rows, columns] = [node.grid.rows.size, node.grid.columns.size];
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
      input.broadcast && paragraph("faint small", words("broadcast", input.broadcast)),
      input.rule !== undefined &&
        paragraph("rule", span("faint", `${words("gradient")} `), span("breakable", ruleOf(page, node, input))),
    ),
  );
  return section(
    words("inputs"),
    element("ul", { class: "uses" }, rows),
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
        words("usedBy"),
        block(
          "users",
          node.users.map((user) => nodeButton(page, user)),
        ),
      ),
    next.length > 0 &&
      section(
        words("becomes"),
        block(
          "users",
          next.map((state) => nodeButton(page, state)),
        ),
      ),
  ];
}

function keptSection(page, node) {
  const used = node.inputs.filter((input) => input.rule !== undefined);
  if (!used.length) return null;
  const kept = [...new Map(used.flatMap((input) => input.reads)).entries()].sort(([a], [b]) => a - b);
  if (!kept.length) return section(words("kept"), paragraph("", words("keptNothing")));
  const total = kept.reduce((sum, [number]) => sum + page.graph.nodes[number].bytes, 0);
  return section(
    words("kept"),
    element(
      "ul",
      { class: "uses" },
      kept.map(([number, letter]) =>
        element(
          "li",
          {},
          span("argument", letter),
          number === node.number ? span("", words("resultItself")) : nodeButton(page, page.graph.nodes[number]),
          span("faint small bytes", bytes(page.graph.nodes[number].bytes)),
        ),
      ),
    ),
    kept.length > 1 && paragraph("faint small", words("inAll", bytes(total))),
  );
}

function placeSection(page, node) {
  const facts = [
    node.scope && [words("scope"), scopeButton(page, node.scope)],
    node.line && [words("madeAt"), span("code", node.line)],
    node.purpose && [words("madeFor"), span("code", node.purpose)],
    [words("size"), bytes(node.bytes)],
  ].filter(Boolean);
  return section(
    words("where"),
    element(
      "dl",
      { class: "facts" },
      facts.map(([term, fact]) => block("", element("dt", {}, term), element("dd", {}, fact))),
    ),
  );
}

function scopeButton(page, path) {
  return button(path, () => page.open(path), { class: "link breakable", title: words("openThis") });
}
