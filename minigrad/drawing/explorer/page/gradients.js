// Adding up what flows back, as the engine did, and checking the sum against the engine's gradient.

const AGREEMENT = 1e-5; // relative to the largest number that was added

/** The gradient of `node` after the first `taken` steps: the sum, the step that was last added, and how many were. */
function accumulated(graph, node, taken) {
  const found = { sum: null, before: null, last: -1, count: 0 };
  for (const position of node.written) {
    if (position >= taken) break;
    const added = numbersOf(graph, graph.steps[position].this);
    found.before = found.sum;
    found.sum = found.sum === null ? added.slice() : found.sum.map((x, i) => x + added[i]);
    found.last = position;
    found.count += 1;
  }
  return found;
}

/** Every gradient against what was added up to it: how many agree, how far off the worst is, which do not agree. */
function gradientCheck(graph) {
  const result = { checked: 0, worst: 0, wrong: [], earlier: 0 };
  for (const node of graph.nodes) {
    if (!node.written.length || node.gradient === undefined) continue;
    const { sum } = accumulated(graph, node, graph.steps.length);
    const expected = numbersOf(graph, node.swept ?? node.gradient);
    const off = farthest(sum, expected, largestAdded(graph, node));
    result.checked += 1;
    result.earlier += node.swept !== undefined;
    result.worst = Math.max(result.worst, off);
    if (!(off <= AGREEMENT)) result.wrong.push(node);
  }
  return result;
}

function largestAdded(graph, node) {
  let largest = 0;
  for (const position of node.written) {
    for (const x of numbersOf(graph, graph.steps[position].this)) {
      if (Number.isFinite(x)) largest = Math.max(largest, Math.abs(x));
    }
  }
  return largest;
}

/** The largest difference, relative to `scale`; what is not finite must be the same on both sides. */
function farthest(found, expected, scale) {
  let worst = 0;
  for (let i = 0; i < expected.length; i += 1) {
    if (Object.is(found[i], expected[i]) || found[i] === expected[i]) continue;
    const off = Math.abs(found[i] - expected[i]) / (scale || 1);
    if (!(off <= worst)) worst = Number.isNaN(off) ? Infinity : off;
  }
  return worst;
}
