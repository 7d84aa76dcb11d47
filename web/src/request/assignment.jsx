import { useDraft } from './drafts.js';
import { useMutation, useQuery } from './hooks.js';
import { Nothing } from './nothing.jsx';
import assignmentOf from './operations/assignment.graphql';
import extend from './operations/extend.graphql';
import giveUp from './operations/give-up.graphql';
import { Aside, ErrorSummary, Fact, Facts, Field, halfTyped, Input, Moment, placed, ResourceRoles, Send, TextArea, useIds, View, Waiting } from './parts.jsx';
import { to } from './route.js';
import { Withdrawal } from './withdrawal.jsx';
import { ASSIGNMENT_STATE, instant, reason } from './words.js';

const changing = ({ node }) => ['DELIVERING', 'REVOKING'].includes(node?.state);

const GIVE_UP = { summary: 'Give it up', action: 'Give up the access', title: 'It was not given up' };

const showRequest = ({ accessRequest }) => {
  location.hash = to.accessRequest(accessRequest.id);
};

/** Access that somebody has: until when, and what they can do with it. */
export function Assignment({ id }) {
  const { data, problem, reload } = useQuery(assignmentOf, { id }, changing);
  if (!data) return <Waiting problem={problem} onRetry={reload} />;
  if (!data.node?.accessPackage) return <Nothing what="assignment" id={id} />;

  const { accessPackage, user, request, policy, state, startsAt, expiresAt, endedAt, ...may } = data.node;
  const isOwn = user.id === data.viewer.user?.id;
  return (
    <View title={`Access: ${accessPackage.displayName}`}>
      <p className={`state ${state.toLowerCase()}`} role="status">
        <strong>{ASSIGNMENT_STATE[state]}</strong>
      </p>
      <Facts>
        <Fact name="Package">
          <a href={to.accessPackage(accessPackage.id)}>{accessPackage.displayName}</a>
        </Fact>
        <Fact name="Gives">
          {accessPackage.resourceRoles.length > 0 && <ResourceRoles roles={accessPackage.resourceRoles} />}
        </Fact>
        <Fact name="Of">{isOwn ? 'You' : user.displayName}</Fact>
        <Fact name="Start">
          <Moment at={startsAt} />
        </Fact>
        <Fact name={endedAt ? 'Ended' : 'End'}>
          {endedAt || expiresAt ? <Moment at={endedAt ?? expiresAt} /> : 'It does not end by itself.'}
        </Fact>
        <Fact name="Made by">{request && <a href={to.accessRequest(request.id)}>The request</a>}</Fact>
      </Facts>
      <Extend id={id} policy={policy} isOffered={may.viewerCanExtend} onRefused={reload} />
      {isOwn && may.extension.reason === 'REQUEST_OPEN' && <p>You have asked to keep it longer.</p>}
      <Withdrawal
        id={id}
        operation={giveUp}
        isRepeatable
        isOffered={may.viewerCanGiveUp}
        words={GIVE_UP}
        onDone={showRequest}
        onRefused={reload}
      />
    </View>
  );
}

/** Asks for a later end. Why that was refused stays when it is offered no more. */
function Extend({ id, policy, isOffered, onRefused }) {
  const ids = useIds();
  const { draft, change, drop } = useDraft(`extend ${id}`, { expiresAt: '', why: '' });
  const { send, isBusy, errors, refuse } = useMutation(extend, true, onRefused);
  const fields = { expiresAt: ['New end', ids('expiresAt')], justification: ['Why you need it longer', ids('justification')] };
  const located = placed(errors, fields, reason);
  const control = (name) => {
    const [label, field] = fields[name];
    return { id: field, label, error: located.find((error) => error.id === field)?.message };
  };

  async function keep(event) {
    event.preventDefault();
    const unread = halfTyped(event.currentTarget);
    if (unread.length > 0) return refuse(unread);
    const { expiresAt, why } = draft;
    const payload = await send({ assignment: id, expiresAt: instant(expiresAt), justification: why || null });
    if (!payload) return undefined;
    drop();
    return showRequest(payload);
  }

  return (
    <>
      <ErrorSummary refusal={errors} errors={isOffered ? located : located.map(({ message }) => ({ message }))} />
      {isOffered && (
        <Aside summary="Keep it longer" isBegun={Object.values(draft).some((typed) => typed !== '')}>
          <form noValidate onSubmit={keep}>
            {policy?.extension === 'WITH_APPROVAL' && <p>This is decided as the first request was.</p>}
            <Field {...control('expiresAt')} hint="Left empty: as late as the policy allows.">
              {(given) => (
                <Input
                  {...given}
                  type="datetime-local"
                  name="expiresAt"
                  value={draft.expiresAt}
                  onChange={(expiresAt) => change({ expiresAt })}
                />
              )}
            </Field>
            <Field {...control('justification')} isRequired={policy?.justificationRequired ?? false}>
              {(given) => <TextArea {...given} value={draft.why} onChange={(why) => change({ why })} />}
            </Field>
            <Send isBusy={isBusy}>Ask to keep it</Send>
          </form>
        </Aside>
      )}
    </>
  );
}
