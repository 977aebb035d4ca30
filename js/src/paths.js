// Paths as pino writes them (`req.headers.cookie`, `users[*].token`, `*.password`, `a["b-c"]`), and `**` for any depth.

const STEP = /^(?:\.?(\*\*|\*|[^.[\]"'`*\s]+)|\.?\[(?:(\*)|(\d+)|"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)')\])/;

function compile(path) {
  const steps = [];
  let rest = String(path);
  while (rest) {
    const found = STEP.exec(rest);
    if (!found) throw new TypeError(`keepmum: paths: cannot read a path from its character ${String(path).length - rest.length} on`);
    const [all, plain, star, index, double, single] = found;
    const quoted = double ?? single;
    if (quoted !== undefined) steps.push({ name: quoted.replace(/\\(.)/g, '$1') });
    else if (star || plain === '*') steps.push({ any: true });
    else if (plain === '**') steps.push({ deep: true });
    else steps.push({ name: plain ?? index });
    rest = rest.slice(all.length);
  }
  if (!steps.length || steps.at(-1).deep) throw new TypeError('keepmum: paths: a path ends in a name or *');
  return steps;
}

/** How far each path has come at the root. */
export function compilePaths(paths) {
  return paths.map(compile).map((steps) => ({ steps, at: 0 }));
}

/** How far they are below `name`; `hit`: one of them ends there. */
export function descend(states, name) {
  const next = [];
  let hit = false;
  const enter = ({ steps, at }) => {
    const step = steps[at];
    if (step.deep) {
      next.push({ steps, at });
      enter({ steps, at: at + 1 });
    } else if (step.any || step.name === name) {
      if (at + 1 === steps.length) hit = true;
      else next.push({ steps, at: at + 1 });
    }
  };
  states.forEach(enter);
  return { states: next, hit };
}
