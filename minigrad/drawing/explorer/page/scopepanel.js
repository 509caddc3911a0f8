// The panel about a closed scope, or about a group of neighbours.

function boxPanel(page, box) {
  const nodes = box.members.map((number) => page.graph.nodes[number]);
  const inside = new Set(box.members);
  const counts = new Map();
  for (const node of nodes) counts.set(kindOf(node), (counts.get(kindOf(node)) ?? 0) + 1);
  const common = [...counts].sort((a, b) => b[1] - a[1]);
  const sources = unique(
    nodes
      .flatMap((node) => node.inputs.map((input) => input.node))
      .filter((number) => number !== undefined && !inside.has(number)),
  );
  const users = unique(
    nodes.flatMap((node) => node.users.map((user) => user.number)).filter((number) => !inside.has(number)),
  );
  const parameters = nodes.filter((node) => node.role === "parameter");
  const list = (numbers) =>
    block(
      "users",
      numbers
        .slice(0, 24)
        .map((number) => nodeButton(page, page.graph.nodes[number], nameOf(page.graph.nodes[number]))),
      numbers.length > 24 && paragraph("faint small", words("andMore", numbers.length - 24)),
    );
  const depth = box.scope?.split("/").length;
  const siblings =
    box.count > 1 && !box.repeated ? unique(nodes.map(({ scope }) => scope.split("/").slice(0, depth).join("/"))) : [];
  return [
    block(
      "heading",
      element("h2", { class: "breakable" }, say(box.title)),
      paragraph(
        "tags",
        span("tag", box.repeated ? `×${box.count}` : words(box.kind === "scope" ? "closedScope" : "group")),
        countOf(nodes.length, "node"),
      ),
    ),
    !box.repeated &&
      box.scope?.includes("/") &&
      paragraph("code breakable", [...box.scope.split("/").slice(0, -1), say(box.title)].join("/")),
    siblings.length > 1
      ? block(
          "note",
          paragraph("", words("equalScopesOpen", siblings.length)),
          paragraph(
            "chips",
            siblings.map((path) =>
              button(path.split("/").at(-1), () => page.open(path), {
                class: "chip",
                "aria-label": words("openScope", path),
              }),
            ),
          ),
        )
      : box.kind === "scope" && button(words("open"), () => page.open(box.scope), { class: "primary" }),
    box.repeated && button(words("drawTurns"), () => page.chooseApart(box.members[0])),
    section(
      words("inside"),
      element(
        "table",
        { class: "counts" },
        common
          .slice(0, 14)
          .map(([name, count]) =>
            element("tr", {}, element("th", { scope: "row" }, name), element("td", {}, String(count))),
          ),
      ),
      common.length > 14 && paragraph("faint small", words("andMore", common.length - 14)),
      parameters.length > 0 &&
        paragraph(
          "faint",
          `${countOf(parameters.length, "parameter")}, ${bytes(parameters.reduce((sum, node) => sum + node.bytes, 0))}`,
        ),
    ),
    sources.length > 0 && section(words("takesFrom"), list(sources)),
    users.length > 0 && section(words("usedBy"), list(users)),
    box.kind === "group" && section(words("nodes"), list(box.members)),
  ];
}

function unique(numbers) {
  return [...new Set(numbers)];
}
