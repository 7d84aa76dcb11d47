import { useEffect, useRef, useState } from 'react';
import { usePage } from './hooks.js';

const NOTHING = { nodes: null, totalCount: 0, pageInfo: {} };

/** A list by pages: "More" adds the next one, and leads to it. `children` renders a row; `empty` says that there is none. */
export function List({ operation, variables = {}, label, empty, children }) {
  const { api } = usePage();
  const [list, setList] = useState(NOTHING);
  const [problem, setProblem] = useState('');
  const asked = JSON.stringify(variables);
  const rows = useRef(null);
  /** The row to which "More" leads, once it is there. */
  const next = useRef(null);
  /** Only what was asked last is listened to. */
  const turn = useRef(0);

  async function load(before) {
    turn.current += 1;
    const own = turn.current;
    try {
      const data = await api(operation, { ...JSON.parse(asked), after: before.pageInfo.endCursor ?? null });
      if (own !== turn.current) return;
      const { nodes, totalCount, pageInfo } = data.viewer.list;
      setProblem('');
      setList({ nodes: [...(before.nodes ?? []), ...nodes], totalCount, pageInfo });
    } catch (error) {
      if (own === turn.current) setProblem(error.message);
    }
  }

  useEffect(() => {
    next.current = null;
    setProblem('');
    setList(NOTHING);
    load(NOTHING);
    return () => {
      turn.current += 1;
    };
  }, [api, operation, asked]);

  useEffect(() => {
    const row = rows.current?.children[next.current];
    next.current = null;
    row?.querySelector('a')?.focus();
  }, [list]);

  function more() {
    next.current = list.nodes?.length ?? null;
    load(list);
  }

  const { nodes, totalCount, pageInfo } = list;
  return (
    <>
      <p className="count" role="status">
        {nodes ? counted(nodes.length, totalCount, empty) : !problem && 'Loading…'}
      </p>
      {nodes?.length > 0 && <ul className="list" ref={rows}>{nodes.map(children)}</ul>}
      {problem && <p role="alert">{problem}</p>}
      {(pageInfo.hasNextPage || problem) && (
        <button type="button" aria-label={`${problem ? 'Try again' : 'More'}: ${label}`} onClick={more}>
          {problem ? 'Try again' : 'More'}
        </button>
      )}
    </>
  );
}

function counted(shown, all, empty) {
  if (all === 0) return empty;
  return shown < all ? `${shown} of ${all}` : `${all} in all`;
}
