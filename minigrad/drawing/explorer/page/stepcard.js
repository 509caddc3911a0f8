// The card that explains the present step: what comes in, by which rule, and what it adds up to.

function stepCard(page, taken) {
  const { graph } = page;
  const step = graph.steps[taken - 1];
  const cards = { forward: forwardCard, seed: seedCard, backward: backwardCard };
  return block(
    `card ${step.kind}`,
    cards[step.kind](page, step, taken),
    taken === graph.steps.length && graph.backwardSteps > 0 && verdict(graph),
  );
}

/** In one sentence, for the bar of steps and for assistive technology. */
function stepSentence(graph, taken) {
  if (!taken) return "";
  const step = graph.steps[taken - 1];
  const node = graph.nodes[step.node];
  const backwardNumber = taken - graph.forwardSteps;
  if (step.kind === "forward") return `Forward ${taken} of ${graph.forwardSteps}: ${nameOf(node)} gets its value`;
  const count = `Backward ${backwardNumber} of ${graph.backwardSteps}`;
  if (step.kind === "seed") return `${count}: the sweep begins at ${nameOf(node)}`;
  const target = graph.nodes[step.target];
  const first = target.written[0] === taken - 1;
  return `${count}: from ${nameOf(node)} to ${nameOf(target)}, ${first ? "the first contribution" : "added to what is there"}`;
}

function forwardCard(page, step, taken) {
  const { graph } = page;
  const node = graph.nodes[step.node];
  const operands = unique(node.inputs.map((input) => input.node).filter((number) => number !== undefined));
  return [
    paragraph("kind", `Forward ${taken} of ${graph.forwardSteps}`),
    element("h2", { class: "breakable" }, `${nodeTitle(node)} gets its value`),
    graph.formulas.has(node.op) && paragraph("formula", graph.formulas.get(node.op)),
    block(
      "terms",
      operands.map((number) =>
        cardMap(page, graph.nodes[number], graph.nodes[number].value, argumentsOf(node, number), false),
      ),
      cardMap(page, node, node.value, "y", false, { label: nodeTitle(node) }),
    ),
  ];
}

function argumentsOf(node, number) {
  return node.inputs
    .filter((input) => input.node === number)
    .map((input) => input.argument)
    .join(", ");
}

function seedCard(page, step, taken) {
  const { graph } = page;
  const node = graph.nodes[step.node];
  return [
    paragraph("kind", `Backward ${taken - graph.forwardSteps} of ${graph.backwardSteps}`),
    element("h2", { class: "breakable" }, `The sweep begins at ${nodeTitle(node)}`),
    paragraph("", "Its own gradient is given: how fast it changes with itself."),
    cardMap(page, node, step.this, "=", true, { label: `gradient of ${nodeTitle(node)}` }),
  ];
}

function backwardCard(page, step, taken) {
  const { graph } = page;
  const node = graph.nodes[step.node];
  const target = graph.nodes[step.target];
  const input = node.inputs.find((found) => found.position === step.position);
  const { sum, before, count } = accumulated(graph, target, taken);
  const added = numbersOf(graph, step.this);
  const scale = scaleFor([added, sum, before ?? []], true);
  const rows =
    before === null
      ? [["=", "this", "", sum]]
      : [
          ["", "before", "", before],
          ["+", "this", "+", added],
          ["=", "after", "=", sum],
        ];
  return [
    paragraph("kind", `Backward ${taken - graph.forwardSteps} of ${graph.backwardSteps}`),
    element("h2", { class: "breakable" }, `${node.op} → ${nodeTitle(target)}`),
    paragraph(
      "faint",
      "What flows back from ",
      nodeButton(page, node),
      " along its argument ",
      element("b", {}, input.argument),
      ".",
    ),
    input.rule !== undefined && [
      element("h3", {}, `Rule for ${input.argument}`),
      paragraph("rule formula breakable", graph.rules[input.rule]),
      strongNote(graph.rules[input.rule]),
    ],
    block("terms", cardMap(page, node, step.incoming, "g", true, { label: "comes in" }), readBy(page, input)),
    step.summed && paragraph("note small", step.summed),
    block(
      "total",
      element("h3", {}, "Gradient of ", nodeButton(page, target), " ", span("operator", before === null ? "=" : "+=")),
      span("faint small", `${count} of ${target.written.length}`),
    ),
    sums(page, target, rows, scale),
    sum.length > 1 && scaleBar(scale),
  ];
}

/** "before + this = after": one above the other with their numbers, or side by side where there is no room for them. */
function sums(page, target, rows, scale) {
  const [slices, [rowSize, rowStride], [columnSize, columnStride]] = target.grid;
  const columns = Math.ceil(columnSize / columnStride);
  const height = Math.ceil(rowSize / rowStride) * Math.ceil(slices[0] / slices[1]);
  const legible = (MAP_WIDTH - 64) / columns >= NARROWEST_NUMBER && height <= 6;
  const stacked = rows.length === 1 || legible;
  return element(
    "div",
    { class: stacked ? "sums stacked" : "sums" },
    rows.map(([, name, operator, numbers]) =>
      block(
        "term",
        span("term-name", operator && rows.length > 1 ? element("b", {}, operator) : null, name),
        mapOf(
          page,
          target,
          numbers,
          scale,
          `${name}: gradient of ${nameOf(target)}`,
          stacked ? (rows.length === 1 ? MAP_WIDTH : MAP_WIDTH - 64) : 104,
          !stacked,
        ),
      ),
    ),
  );
}

/** An array of a node; of attention, the heads beside each other. */
function mapOf(page, node, numbers, scale, label, width = MAP_WIDTH, plain = false) {
  const [[slices, stride], rows, columns] = node.grid;
  const count = Math.ceil(slices / stride);
  if (count < 2) return heatMap({ numbers, grid: node.grid, scale, width, label, plain, largest: 10 });
  const size = numbers.length / count;
  const head = (_, i) =>
    heatMap({
      numbers: numbers.subarray(i * size, (i + 1) * size),
      grid: [[1, 1], rows, columns],
      scale,
      width: Math.min(76, width / 2 - 4),
      label: `${label}, ${headTitle(node, i * stride)}`,
      plain: true,
      largest: 8,
    });
  return block("heads", Array.from({ length: count }, head));
}

function strongNote(...rules) {
  return (
    rules.some((rule) => rule.includes("⋆")) &&
    paragraph("faint small", "a ⋆ b is the product, but 0 where that is NaN and a factor is 0.")
  );
}

/** What a rule reads beside g: values of the result and of operands. */
function readBy(page, input) {
  return (input.reads ?? []).map(([number, letter]) => {
    const read = page.graph.nodes[number];
    return cardMap(page, read, read.value, letter, false);
  });
}

/** An array with the letter it has in formulas, and the node it belongs to: a button, or a text of its own. */
function cardMap(page, node, place, letter, isGradient, { label = null } = {}) {
  if (place === undefined) return null;
  const numbers = numbersOf(page.graph, place);
  const scale = scaleFor([numbers], isGradient);
  return block(
    "term",
    paragraph(
      "term-title",
      element("b", { class: "letter" }, letter),
      " ",
      label ? span("faint", label) : nodeButton(page, node),
    ),
    mapOf(page, node, numbers, scale, `${isGradient ? "gradient" : "value"} of ${nameOf(node)}`),
    numbers.length > 6 && paragraph("range", rangeOf(scale)),
  );
}

/** What the page itself has found when every contribution was added up. */
function verdict(graph) {
  const { checked, worst, wrong, earlier } = gradientCheck(graph);
  if (wrong.length) {
    return element(
      "p",
      { class: "verdict wrong", role: "status" },
      `Checked here: the contributions to ${wrong.slice(0, 5).map(nameOf).join(", ")} do not add up to the engine's gradient.`,
    );
  }
  return element(
    "p",
    { class: "verdict", role: "status" },
    `Checked here: what was added up equals the engine's gradient, for all ${countOf(checked, "node")}` +
      ` (largest difference ${worst ? shown(worst, 2) : "0"}, relative to what was added).`,
    earlier > 0 && ` In ${countOf(earlier, "node")}, .grad also holds what earlier calls of backward had added.`,
  );
}
