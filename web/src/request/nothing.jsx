import { View } from './parts.jsx';
import { to } from './route.js';

/** In place of what is not there, or not for these eyes: the two are not to be told apart. */
export function Nothing({ what, id }) {
  return (
    <View title={`There is no such ${what}`}>
      <p>
        There is no {what} <code>{id}</code>, or it is not for you to see. Look whether you have the whole link, and whether
        you are signed in as the right person.
      </p>
      <p>
        <a href={to.home}>What you can request</a>
      </p>
    </View>
  );
}
