// Formulas and rules, with the names of the nodes at hand in the places of letters.

/** How a node is called in formulas: its name, or what it is a result of. */
function calledOf(node) {
  return node.called ?? node.name ?? `%${node.number}`;
}

/** What an operation computes, of its own operands: weightsᵢ = exp(scoresᵢ) / Σⱼ exp(scoresⱼ). */
function formulaOf(page, node) {
  const parts = page.graph.formulas.get(node.op)?.[language];
  if (!parts) return null;
  const letters = new Set(parts.filter((_, i) => i % 2));
  const begins = letters.has("=") ? [] : [nameIn(page, node), " = "];
  return paragraph("formula", begins, written(page, node, parts), besides(page, node, letters));
}

/** What changes the result and has no letter in the formula: operands, settings, and letters that nothing stands for. */
function besides(page, node, letters) {
  const facts = [
    ...node.inputs
      .filter(({ argument }) => !letters.has(argument) && !letters.has(argument.split("[")[0]))
      .map((input) => [`${input.argument} = `, operandIn(page, input)]),
    ...[...letters]
      .filter((letter) => letter !== "=" && !takenAs(node, letter).length)
      .map((letter) => [`${letter} = None`]),
    ...(node.settings ?? []).map((setting) => [setting.replace("=", " = ")]),
  ];
  return facts.map((fact, i) => [i ? words("comma") : words("with"), ...fact]);
}

/** The rule for an operand, of what comes in, the result and the operands: weights · (∂weights − …). */
function ruleOf(page, node, input) {
  return written(page, node, page.graph.rules[input.rule]);
}

/** Every second of the parts is a letter. */
function written(page, node, parts) {
  return parts.map((part, i) => {
    if (i % 2 === 0) return part;
    if (part === "=") return nameIn(page, node);
    if (part === "∂") return nameIn(page, node, "∂");
    const operands = takenAs(node, part).map((input) => operandIn(page, input));
    return operands.length ? operands.map((operand, j) => (j ? [words("comma"), operand] : operand)) : part;
  });
}

/** The operands that an argument stands for: of a variadic one, all of them. */
function takenAs(node, name) {
  return node.inputs.filter(({ argument }) => argument === name || argument.split("[")[0] === name);
}

function operandIn(page, input) {
  return input.node === undefined ? input.number : nameIn(page, page.graph.nodes[input.node]);
}

function nameIn(page, node, before = "") {
  return button(`${before}${calledOf(node)}`, () => page.choose(node.number), {
    class: `link name${before ? " backward" : ""}`,
    title: nameOf(node),
  });
}

/** One element worked out, in numbers: scores[0] = 1 · 1 + 0 · 0 = 1. */
function workedOut(text) {
  return text ? paragraph("worked breakable", text.replace(/^.*?(?=\[| = )/, say)) : null;
}
