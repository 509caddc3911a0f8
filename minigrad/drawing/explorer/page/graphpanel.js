// The panel about the graph as a whole: what it is, a legend, what is not shown, the keys.

const ROLES = {
  input: "input",
  parameter: "parameter",
  state: "state",
  constant: "constant",
  random: "random draw",
  cotangent: "incoming gradient",
  op: "operation",
};

function graphPanel(page) {
  const { graph } = page;
  const nodes = graph.nodes;
  const present = Object.keys(ROLES).filter((role) => nodes.some((node) => node.role === role));
  const parameters = nodes.filter((node) => node.role === "parameter");
  const odd = nodes.filter(badGradient);
  return [
    block(
      "heading",
      element("h2", {}, "About this graph"),
      paragraph(
        "faint",
        [
          countOf(nodes.length, "node"),
          countOf(nodes.filter((node) => node.op).length, "operation"),
          parameters.length
            ? `${countOf(parameters.length, "parameter")} (${bytes(parameters.reduce((sum, node) => sum + node.bytes, 0))})`
            : null,
        ]
          .filter(Boolean)
          .join(" · "),
      ),
    ),
    paragraph("", gradientSentence(graph)),
    odd.length > 0 &&
      paragraph(
        "note bad-note",
        `${countOf(odd.length, "node")} with NaN or infinite numbers. `,
        button("List them", () => page.search("odd"), { class: "link" }),
      ),
    section(
      "Outputs",
      block(
        "users",
        graph.outputs.map((number) => nodeButton(page, nodes[number], nameOf(nodes[number]))),
      ),
    ),
    section("Legend", legend(graph, present)),
    [...graph.notes, ...page.view.notes].length > 0 &&
      section(
        "Not shown",
        element(
          "ul",
          { class: "notes" },
          [...graph.notes, ...page.view.notes].map((note) => element("li", {}, note)),
        ),
      ),
    graph.views.some((view) => view.key.startsWith("scope ")) &&
      paragraph(
        "faint small",
        "A scope that is opened is shown by itself, those beside it are closed; + and − above the drawing open and close all.",
      ),
    section(
      "Keys",
      element(
        "dl",
        { class: "keys" },
        KEYS.map(([keys, what]) =>
          block(
            "",
            element(
              "dt",
              {},
              keys.map((key) => element("kbd", {}, key)),
            ),
            element("dd", {}, what),
          ),
        ),
      ),
    ),
  ];
}

const KEYS = [
  [["→", "←"], "one step forwards, backwards"],
  [["Home", "End"], "first, last step"],
  [["↓", "↑"], "next, previous box of the drawing"],
  [["↓", "→"], "in a heat map: read its numbers"],
  [["Enter"], "select a box, open or close a scope"],
  [["/"], "search"],
  [["+", "−", "0"], "zoom in, out, fit"],
  [["Esc"], "select nothing"],
];

function gradientSentence(graph) {
  return {
    all: `Gradients: ${countOf(graph.steps.filter((step) => step.kind === "backward").length, "contribution")} of the backward pass, one step each.`,
    leaves:
      "Gradients: of leaves only. To step through the backward pass, call loss.backward(keep=True) before loss.graph().",
    graph:
      "Gradients are nodes of their own here. To step through a backward pass, call loss.backward(keep=True) and explore loss.graph().",
    none: "Gradients: not computed; call loss.backward(keep=True) before loss.graph().",
  }[graph.gradients];
}

function legend(graph, present) {
  const samples = present.map((role) => legendItem({ role, order: 0 }, ROLES[role]));
  if (graph.nodes.some((node) => node.output))
    samples.push(legendItem({ role: "op", order: 0, output: true }, "output"));
  for (const order of [1, 2, 3]) {
    const names = ["", "gradient", "second derivative", "later derivative"];
    if (graph.nodes.some((node) => node.order === order && node.role === "op"))
      samples.push(legendItem({ role: "op", order }, names[order]));
  }
  const closed = graph.views.flatMap((view) =>
    view.boxes.filter((box) => box.kind === "scope" || box.kind === "group"),
  );
  if (closed.some((box) => box.kind === "scope")) samples.push(legendItem(null, "closed scope"));
  if (closed.some((box) => box.count > 1)) samples.push(legendItem(null, "equal scopes", { kind: "scope", count: 2 }));
  if (closed.some((box) => box.kind === "group")) samples.push(legendItem(null, "neighbours", { kind: "group" }));
  if (graph.gradients === "all") {
    samples.push(
      element(
        "li",
        {},
        vector(
          "svg",
          { width: 34, height: 22, "aria-hidden": "true" },
          vector(
            "g",
            { class: "arrow flowed" },
            vector("path", { class: "flow", d: "M8 11H33" }),
            vector("path", { class: "flow-head", d: "M1 11L9 7.5V14.5Z" }),
          ),
        ),
        "gradient flowed back; wider is larger",
      ),
    );
  }
  return element("ul", { class: "legend" }, samples);
}

function legendItem(node, label, box = { kind: "scope", count: 1 }) {
  return element(
    "li",
    {},
    vector(
      "svg",
      { width: 34, height: 22, "aria-hidden": "true" },
      vector(
        "g",
        { class: ["box", ...classesOf(box, node)].join(" ") },
        outlineOf(box, node, 1, node ? 1 : 5, 32, node ? 20 : 16),
      ),
    ),
    label,
  );
}
