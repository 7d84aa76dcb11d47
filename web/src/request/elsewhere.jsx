import { View } from './parts.jsx';
import { to } from './route.js';

const WHAT = {
  'access-tokens': 'Access tokens',
  'token-requests': 'What access tokens ask for',
  notifications: 'What you want to be told',
};

/** What links in mails lead to and this page does not show. */
export function Elsewhere({ noun, id }) {
  const isObject = noun !== 'notifications' && id;
  return (
    <View title={WHAT[noun]}>
      <p>
        This page does not show that. Your organization’s own frontend may; so does <a href="graphiql">GraphiQL</a>, where
        this server offers it.
      </p>
      {isObject && (
        <p>
          The id to ask for is <code>{id}</code>.
        </p>
      )}
      <p>
        <a href={to.home}>What you can request</a>
      </p>
    </View>
  );
}

export function Nowhere() {
  return (
    <View title="This link leads nowhere">
      <p>There is no such page. Look whether you have the whole link.</p>
      <p>
        <a href={to.home}>What you can request</a>
      </p>
    </View>
  );
}
