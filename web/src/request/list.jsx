import { useEffect, useState } from 'react';
import { usePage } from './hooks.js';

const NOTHING = { nodes: null, totalCount: 0, pageInfo: {} };

/** A list by pages: "More" adds the next one. `children` renders a row; `empty` says that there is none. */
export function List({ operation, variables = {}, label, empty, children }) {
  const { api } = usePage();
  const [list, setList] = useState(NOTHING);
  const [problem, setProblem] = useState('');
  const asked = JSON.stringify(variables);

  async function load(before, isCurrent) {
    try {
      const data = await api(operation, { ...JSON.parse(asked), after: before.pageInfo.endCursor ?? null });
      if (!isCurrent()) return;
      const { nodes, totalCount, pageInfo } = data.viewer.list;
      setProblem('');
      setList({ nodes: [...(before.nodes ?? []), ...nodes], totalCount, pageInfo });
    } catch (error) {
      if (isCurrent()) setProblem(error.message);
    }
  }

  useEffect(() => {
    let isCurrent = true;
    load(NOTHING, () => isCurrent);
    return () => {
      isCurrent = false;
    };
  }, [api, operation, asked]);

  const { nodes, totalCount, pageInfo } = list;
  return (
    <>
      <p className="count" role="status">
        {nodes ? counted(nodes.length, totalCount, empty) : !problem && 'Loading…'}
      </p>
      {nodes?.length > 0 && <ul className="list">{nodes.map(children)}</ul>}
      {problem && <p role="alert">{problem}</p>}
      {(pageInfo.hasNextPage || problem) && (
        <button type="button" aria-label={`${problem ? 'Try again' : 'More'}: ${label}`} onClick={() => load(list, () => true)}>
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
