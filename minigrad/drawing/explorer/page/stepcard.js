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
  const count = countedStep(graph, taken);
  if (step.kind === "forward") return words("sentenceForward", count, nameOf(node));
  if (step.kind === "seed") return words("sentenceSeed", count, nameOf(node));
  const target = graph.nodes[step.target];
  const first = target.written[0] === taken - 1;
  return words(first ? "sentenceFirst" : "sentenceAdded", count, nameOf(node), nameOf(target));
}

function countedStep(graph, taken) {
  if (taken <= graph.forwardSteps) return words("forwardOf", taken, graph.forwardSteps);
  return words("backwardOf", taken - graph.forwardSteps, graph.backwardSteps);
}

function forwardCard(page, step, taken) {
  const { graph } = page;
  const node = graph.nodes[step.node];
  const operands = unique(node.inputs.map((input) => input.node).filter((number) => number !== undefined));
  return [
    paragraph("kind", countedStep(graph, taken)),
    element("h2", { class: "breakable" }, words("getsValue", nodeTitle(node))),
    formulaOf(page, node),
    workedOut(step.worked),
    step.layout && paragraph("", words("whyMoved")),
    block(
      "terms",
      operands.map((number) => cardMap(page, graph.nodes[number], graph.nodes[number].value, false)),
      cardMap(page, node, node.value, false),
    ),
  ];
}

function seedCard(page, step, taken) {
  const { graph } = page;
  const node = graph.nodes[step.node];
  return [
    paragraph("kind", countedStep(graph, taken)),
    element("h2", { class: "breakable" }, words("sweepBegins", nodeTitle(node))),
    paragraph("", words("whySeed", calledOf(node))),
    cardMap(page, node, step.this, true),
  ];
}

function backwardCard(page, step, taken) {
  const { graph } = page;
  const node = graph.nodes[step.node];
  const target = graph.nodes[step.target];
  const input = node.inputs.find((found) => found.position === step.position);
  const { sum, before, count } = accumulated(graph, target, taken);
  const added = numbersOf(graph, step.this);
  const scale = scaleFor(
    [added, sum, before ?? []],
    true,
    taken > target.written.at(-1) ? target.gradientStatistics : null,
  );
  const rows =
    before === null
      ? [["=", words("this"), "", sum]]
      : [
          ["", words("before"), "", before],
          ["+", words("this"), "+", added],
          ["=", words("after"), "=", sum],
        ];
  return [
    paragraph("kind", countedStep(graph, taken)),
    element("h2", { class: "breakable" }, `∂${calledOf(node)} → ∂${calledOf(target)}`),
    paragraph("", words(whyOf(step, target, before), calledOf(node), calledOf(target), target.written.length)),
    input.rule !== undefined && [
      paragraph(
        "rule formula breakable",
        nameIn(page, target, "∂"),
        before === null ? " = " : " += ",
        ruleOf(page, node, input),
      ),
      strongNote(graph.rules[input.rule]),
    ],
    workedOut(step.worked),
    block("terms", cardMap(page, node, step.incoming, true), readBy(page, input)),
    input.broadcast && paragraph("note small", summedFrom(node.shape, target.shape)),
    block(
      "total",
      element(
        "h3",
        {},
        words("gradientOfTitle"),
        nodeButton(page, target),
        " ",
        span("operator", before === null ? "=" : "+="),
      ),
      span("faint small", words("of", count, target.written.length)),
    ),
    sums(page, target, rows, scale),
    sum.length > 1 && scaleBar(scale),
  ];
}

/** How broadcasting was undone: over which axes of the result was summed, and to which shape. */
function summedFrom(result, target) {
  const [whole, part] = [result, target].map((shape) => shape.match(/\d+/g) ?? []);
  const isSummed = (size, axis) => size !== part[axis - (whole.length - part.length)];
  const axes = [...whole.keys()].filter((axis) => isSummed(whole[axis], axis));
  return words("summed", axes.join(", "), `${result} → ${target}`);
}

/** Which sentence says why something flows back in this step. */
function whyOf(step, target, before) {
  if (step.layout) return "whyMovedBack";
  if (before !== null) return "whyAdded";
  return target.written.length > 1 ? "whyFirst" : "whyFlows";
}

/** "before + this = after": one above the other with their numbers, or side by side where there is no room for them. */
function sums(page, target, rows, scale) {
  const { slices, rows: height, columns } = target.grid;
  const legible =
    (MAP_WIDTH - 64) / columns.places.length >= NARROWEST_NUMBER && height.places.length * slices.places.length <= 6;
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
          `${name}: ${words("gradientOf", nameOf(target))}`,
          stacked ? (rows.length === 1 ? MAP_WIDTH : MAP_WIDTH - 64) : 104,
          !stacked,
        ),
      ),
    ),
  );
}

/** An array of a node; of attention, the heads beside each other. */
function mapOf(page, node, numbers, scale, label, width = MAP_WIDTH, plain = false) {
  const { places } = node.grid.slices;
  const count = places.length;
  if (count < 2) return heatMap({ numbers, grid: node.grid, scale, width, label, plain, largest: 10 });
  const size = numbers.length / count;
  const head = (_, i) =>
    heatMap({
      numbers: numbers.subarray(i * size, (i + 1) * size),
      grid: node.grid,
      scale,
      width: Math.min(76, width / 2 - 4),
      label: `${label}, ${headTitle(node, places[i])}`,
      plain: true,
      largest: 8,
    });
  return block("heads", Array.from({ length: count }, head));
}

function strongNote(...rules) {
  return rules.some((rule) => rule.join("").includes("⋆")) && paragraph("faint small", words("strongProduct"));
}

/** What a rule reads beside what comes in: values of the result and of operands. */
function readBy(page, input) {
  return (input.reads ?? []).map(([number]) => {
    const read = page.graph.nodes[number];
    return cardMap(page, read, read.value, false);
  });
}

/** An array, and the node whose value or gradient it is. */
function cardMap(page, node, place, isGradient) {
  if (place === undefined) return null;
  const numbers = numbersOf(page.graph, place);
  const scale = scaleFor([numbers], isGradient, isGradient ? null : node.statistics);
  const label = `${isGradient ? "∂" : ""}${calledOf(node)}`;
  return block(
    "term",
    paragraph("term-title", nodeButton(page, node, label)),
    mapOf(page, node, numbers, scale, words(isGradient ? "gradientOf" : "valueOf", nameOf(node))),
    numbers.length > 6 && paragraph("range", rangeOf(scale)),
  );
}

/** What the page itself has found when every contribution was added up. */
function verdict(graph) {
  const { checked, worst, wrong, earlier } = gradientCheck(graph);
  if (wrong.length) {
    const names = wrong.slice(0, 5).map(nameOf).join(words("comma"));
    return element("p", { class: "verdict wrong", role: "status" }, words("verdictWrong", names));
  }
  return element(
    "p",
    { class: "verdict", role: "status" },
    words("verdict", countOf(checked, "node"), worst ? shown(worst, 2) : "0"),
    earlier > 0 && words("verdictEarlier", countOf(earlier, "node")),
  );
}
