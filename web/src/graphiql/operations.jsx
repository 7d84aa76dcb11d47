import { DropdownMenu, useGraphiQL, useGraphiQLActions } from '@graphiql/react';

/**
 * Opens any of the prepared operations. On a second visit the tabs are what the user left; this menu is how an
 * operation that was closed, edited, or added since can be reached.
 */
export function OperationsMenu({ prepared }) {
  const { addTab, changeTab } = useGraphiQLActions();
  const { tabs, activeTabIndex, queryEditor, variableEditor } = useGraphiQL(
    ({ tabs, activeTabIndex, queryEditor, variableEditor }) => ({ tabs, activeTabIndex, queryEditor, variableEditor }),
  );

  function open({ query, variables }) {
    const existing = tabs.findIndex(
      (tab) => (tab.query ?? '') === query && (tab.variables ?? '') === (variables ?? ''),
    );
    if (existing === activeTabIndex) return;
    if (existing >= 0) {
      changeTab(existing);
      return;
    }
    addTab();
    queryEditor.setValue(query);
    variableEditor.setValue(variables ?? '');
  }

  return (
    <DropdownMenu>
      <DropdownMenu.Button className="operations-button" disabled={!queryEditor || !variableEditor}>
        Operations <span aria-hidden="true">▾</span>
      </DropdownMenu.Button>
      <DropdownMenu.Content align="end" className="operations-menu">
        {prepared.map((tab) => (
          <DropdownMenu.Item key={tab.title} onSelect={() => open(tab)}>
            {tab.title}
          </DropdownMenu.Item>
        ))}
      </DropdownMenu.Content>
    </DropdownMenu>
  );
}
