// Searching nodes: `op:softmax shape:(6,8) grad:nan param weights`; every word must hold.

const MOST_RESULTS = 200;
const QUERIES =
  "op:softmax, shape:(6,8), grad:nan, value:inf, grad:none, param, output, scope:attention, line:model.py";
const WORDS = {
  param: (node) => node.role === "parameter",
  parameter: (node) => node.role === "parameter",
  input: (node) => node.role === "input",
  output: (node) => Boolean(node.output),
  constant: (node) => node.role === "constant",
  state: (node) => node.role === "state",
  odd: badGradient,
};
const FIELDS = {
  op: (node, wanted) => (node.op ?? "").toLowerCase().startsWith(wanted),
  shape: (node, wanted) => bare(node.shape) === bare(wanted),
  role: (node, wanted) => node.role.startsWith(wanted),
  scope: (node, wanted) => `${node.scope}/`.toLowerCase().includes(wanted),
  name: (node, wanted) => (node.name ?? "").toLowerCase().includes(wanted),
  dtype: (node, wanted) => node.dtype === wanted,
  line: (node, wanted) => (node.line ?? "").toLowerCase().includes(wanted),
  order: (node, wanted) => String(node.order) === wanted,
  value: (node, wanted) => hasNumbers(node.statistics, wanted),
  grad: (node, wanted) =>
    wanted === "none" ? node.gradient === undefined : hasNumbers(node.gradientStatistics, wanted),
};

/** The nodes for which every word of the query holds. */
function found(graph, query) {
  const tests =
    query
      .toLowerCase()
      .match(/\w+:\([^)]*\)|\S+/g)
      ?.map(testOf) ?? [];
  return tests.length ? graph.nodes.filter((node) => tests.every((test) => test(node))) : [];
}

function testOf(word) {
  const [field, ...rest] = word.split(":");
  const wanted = rest.join(":");
  if (rest.length && Object.hasOwn(FIELDS, field)) return (node) => FIELDS[field](node, wanted);
  const isKnown = Object.hasOwn(WORDS, word);
  return (node) => (isKnown && WORDS[word](node)) || textOf(node).includes(word);
}

function textOf(node) {
  node.searched ??= [
    `%${node.number}`,
    node.op,
    node.name,
    node.scope,
    node.line,
    node.name && `${node.scope}/${node.name}`,
  ]
    .filter(Boolean)
    .join(" ")
    .toLowerCase();
  return node.searched;
}

function bare(shape) {
  return shape.replace(/[()\s]/g, "").replace(/,$/, "");
}

function hasNumbers(found, wanted) {
  if (!found) return false;
  const tests = {
    nan: found.nan > 0,
    inf: found.inf > 0,
    zero: found.norm === 0 && !found.nan && !found.inf,
    any: true,
  };
  return Object.hasOwn(tests, wanted) && tests[wanted];
}

class Search {
  constructor(page, { input, frame, count, list }) {
    Object.assign(this, { page, input, frame, count, list, results: [], active: -1 });
    input.addEventListener("input", () => this.update());
    input.addEventListener("focus", () => this.update());
    input.addEventListener("keydown", (event) => this.key(event));
    input.addEventListener("blur", () => setTimeout(() => this.close(), 150)); // a click on a result comes first
    list.addEventListener("pointerdown", (event) => {
      const item = event.target.closest("[data-place]");
      if (item) this.jump(Number(item.dataset.place));
    });
  }

  ask(query) {
    this.input.value = query;
    this.input.focus();
    this.update();
  }

  update() {
    const query = this.input.value.trim();
    this.results = found(this.page.graph, query);
    this.active = this.results.length ? 0 : -1;
    this.frame.hidden = false;
    this.input.setAttribute("aria-expanded", "true");
    const more = this.results.length > MOST_RESULTS ? words("firstListed", MOST_RESULTS) : "";
    this.count.textContent = this.results.length
      ? `${countOf(this.results.length, "node")}${more}`
      : words(query ? "noNode" : "askFor", QUERIES);
    this.list.replaceChildren(
      ...this.results.slice(0, MOST_RESULTS).map((node, place) =>
        element(
          "li",
          {
            role: "option",
            id: `result-${place}`,
            "data-place": place,
            "aria-selected": String(place === this.active),
          },
          element("span", { class: `swatch ${swatchOf(node)}` }),
          span("node-name", nodeTitle(node)),
          node.name && span("faint", kindOf(node)),
          span("faint place", node.scope),
          span("node-shape", node.shape),
        ),
      ),
    );
    this.mark();
  }

  mark() {
    [...this.list.children].forEach((item, place) => item.setAttribute("aria-selected", String(place === this.active)));
    this.list.children[this.active]?.scrollIntoView({ block: "nearest" });
    if (this.active >= 0) this.input.setAttribute("aria-activedescendant", `result-${this.active}`);
    else this.input.removeAttribute("aria-activedescendant");
  }

  key(event) {
    const moves = { ArrowDown: 1, ArrowUp: -1 };
    if (event.key in moves) {
      const last = Math.min(this.results.length, MOST_RESULTS) - 1;
      this.active = Math.max(Math.min(0, last), Math.min(last, this.active + moves[event.key]));
      this.mark();
      event.preventDefault();
    } else if (event.key === "Enter" && this.active >= 0) {
      this.jump(this.active);
    } else if (event.key === "Escape") {
      this.input.value = "";
      this.close();
      this.input.blur();
    }
    event.stopPropagation(); // arrow keys and letters are for the text here
  }

  jump(place) {
    this.page.jump(this.results[place].number);
    this.close();
    this.input.blur(); // keys are for the page again
  }

  close() {
    this.frame.hidden = true;
    this.input.setAttribute("aria-expanded", "false");
  }
}
