// Formulas and rules, with the names of the nodes at hand in the places of letters.

/** How a node is called in formulas: its name, or what it is a result of. */
function calledOf(node) {
  return node.called ?? node.name ?? `%${node.number}`;
}

/** What an operation computes, of its own operands: weightsᵢ = exp(scoresᵢ) / Σⱼ exp(scoresⱼ). */
function formulaOf(page, node) {
  const parts = page.graph.formulas.get(node.op);
  if (!parts) return null;
  const begins = parts.some((part, i) => i % 2 && part === "y") ? [] : [nameIn(page, node), " = "];
  return paragraph("formula", begins, written(page, node, parts));
}

/** The rule for an operand, of what comes in, the result and the operands: weights · (∂weights − …). */
function ruleOf(page, node, input) {
  return written(page, node, page.graph.rules[input.rule]);
}

/** Every second of the parts is a letter. */
function written(page, node, parts) {
  return parts.map((part, i) => {
    if (i % 2 === 0) return part;
    if (part === "y") return nameIn(page, node);
    if (part === "g") return nameIn(page, node, "∂");
    const input = node.inputs.find(({ argument }) => argument === part);
    if (!input) return part;
    return input.node === undefined ? input.number : nameIn(page, page.graph.nodes[input.node]);
  });
}

function nameIn(page, node, before = "") {
  return button(`${before}${calledOf(node)}`, () => page.choose(node.number), {
    class: `link name${before ? " backward" : ""}`,
    title: nameOf(node),
  });
}

/** One element worked out, in numbers: scores[0] = 1 · 1 + 0 · 0 = 1. */
function workedOut(text) {
  return text ? paragraph("worked breakable", text) : null;
}
