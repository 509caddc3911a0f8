// The panel about the graph as a whole: what it is, a legend, what is not shown, the keys.

const ROLES = ["input", "parameter", "state", "constant", "random", "cotangent", "op"];

function graphPanel(page) {
  const { graph } = page;
  const nodes = graph.nodes;
  const present = ROLES.filter((role) => nodes.some((node) => node.role === role));
  const parameters = nodes.filter((node) => node.role === "parameter");
  const odd = nodes.filter(badGradient);
  const notes = [...graph.notes.map((note) => words(...note)), ...notesOf(page.view)];
  return [
    block(
      "heading",
      element("h2", {}, words("aboutGraph")),
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
        words("withOdd", countOf(odd.length, "node")),
        button(words("listThem"), () => page.search("odd"), { class: "link" }),
      ),
    graph.outputs.length > 0 &&
      section(
        words("outputs"),
        block(
          "users",
          graph.outputs.map((number) => nodeButton(page, nodes[number], nameOf(nodes[number]))),
        ),
      ),
    present.length > 0 && section(words("legend"), legend(graph, present)),
    notes.length > 0 &&
      section(
        words("notShown"),
        element(
          "ul",
          { class: "notes" },
          notes.map((note) => element("li", {}, note)),
        ),
      ),
    graph.mapBytes > 0 && paragraph("faint small", words("mapsAdd", graph.maps.length, bytes(graph.mapBytes))),
    graph.views.some((view) => view.key.startsWith("scope ")) && paragraph("faint small", words("scopesAlone")),
    section(
      words("keys"),
      element(
        "dl",
        { class: "keys" },
        KEYS.filter(([, , needed]) => !needed || graph[needed].length).map(([keys, what]) =>
          block(
            "",
            element(
              "dt",
              {},
              keys.map((key) => element("kbd", {}, key)),
            ),
            element("dd", {}, words(what)),
          ),
        ),
      ),
    ),
  ];
}

// Keys, what they do, and the list of the graph without which they do nothing.
const KEYS = [
  [["→", "←"], "keyStep", "steps"],
  [["Home", "End"], "keyEnds", "steps"],
  [["n", "p"], "keyChapter", "steps"],
  [["g"], "keyOrigin", "steps"],
  [["↓", "↑"], "keyBox"],
  [["↓", "→"], "keyMap"],
  [["Enter"], "keyEnter"],
  [["/"], "keySearch"],
  [["+", "−", "0"], "keyZoom"],
  [["Esc"], "keyEscape"],
];

/** What a view leaves out: nodes in closed scopes and in groups of neighbours. */
function notesOf(view) {
  const count = (kind) => {
    const boxes = view.boxes.filter((box) => box.kind === kind);
    return (
      boxes.length &&
      words(
        `in ${kind}`,
        boxes.reduce((sum, box) => sum + box.members.length, 0),
        boxes.length,
      )
    );
  };
  return ["scope", "group"].map(count).filter(Boolean);
}

function gradientSentence(graph) {
  const contributions = graph.steps.filter((step) => step.kind === "backward").length;
  return words(`gradients ${graph.gradients}`, countOf(contributions, "contribution"));
}

function legend(graph, present) {
  const samples = present.map((role) => legendItem({ role, order: 0 }, words(`role ${role}`)));
  if (graph.nodes.some((node) => node.output))
    samples.push(legendItem({ role: "op", order: 0, output: true }, words("output")));
  for (const order of [1, 2, 3]) {
    const names = ["", "gradient", "second derivative", "laterDerivative"].map((name) => name && words(name));
    if (graph.nodes.some((node) => node.order === order && node.role === "op"))
      samples.push(legendItem({ role: "op", order }, names[order]));
  }
  const closed = graph.views.flatMap((view) =>
    view.boxes.filter((box) => box.kind === "scope" || box.kind === "group"),
  );
  if (closed.some((box) => box.kind === "scope")) samples.push(legendItem(null, words("closedScope")));
  if (closed.some((box) => box.count > 1))
    samples.push(legendItem(null, words("equalScopes"), { kind: "scope", count: 2 }));
  if (closed.some((box) => box.kind === "group"))
    samples.push(legendItem(null, words("neighbours"), { kind: "group" }));
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
        words("flowed"),
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
