import { useEffect, useRef, useState } from 'react';
import { Deliveries } from './deliveries.jsx';
import { useQuery } from './hooks.js';
import { Nothing } from './nothing.jsx';
import accessRequest from './operations/access-request.graphql';
import cancel from './operations/cancel.graphql';
import { Fact, Facts, focusHeading, Moment, View, Waiting } from './parts.jsx';
import { Review } from './review.jsx';
import { to } from './route.js';
import { Stages } from './stages.jsx';
import { Withdrawal } from './withdrawal.jsx';
import { LANGUAGE, languageOf, OPEN_REQUESTS, REQUEST_STATE, REQUEST_TYPE, takesAway } from './words.js';

const onItsWay = ({ node }) =>
  OPEN_REQUESTS.includes(node?.state) || node?.deliveries?.some(({ nextAttemptAt }) => nextAttemptAt);

const CANCEL = { summary: 'Cancel this request', action: 'Cancel the request', title: 'It was not cancelled' };

/** A request: where it stands, who decides or decided, what was delivered. */
export function AccessRequest({ id }) {
  const { data, problem, reload } = useQuery(accessRequest, { id, language: LANGUAGE }, onItsWay);
  if (!data) return <Waiting problem={problem} onRetry={reload} />;
  if (!data.node?.type) return <Nothing what="request" id={id} />;

  const request = data.node;
  const { accessPackage, requestor, submittedBy, submittedAt, justification, schedule, answers, assignment } = request;
  const ending = assignment?.endedAt ?? assignment?.expiresAt;
  const isOwn = requestor.id === data.viewer.user?.id;

  function done() {
    focusHeading();
    reload();
  }

  return (
    <View title={`${REQUEST_TYPE[request.type]}: ${accessPackage.displayName}`}>
      <State request={request} problem={problem} />
      <Facts>
        <Fact name="Package">
          <a href={to.accessPackage(accessPackage.id)}>{accessPackage.displayName}</a>
        </Fact>
        <Fact name="For">{isOwn ? 'You' : requestor.displayName}</Fact>
        <Fact name="Asked by">{submittedBy && submittedBy.id !== requestor.id && submittedBy.displayName}</Fact>
        <Fact name="Asked on">
          <Moment at={submittedAt} />
        </Fact>
        <Fact name="Reason given">{justification && <span className="text">{justification}</span>}</Fact>
        {answers.map((answer) => (
          <Answer key={answer.question.key} {...answer} />
        ))}
        <Fact name="Start asked for">{schedule.startsAt && <Moment at={schedule.startsAt} />}</Fact>
        <Fact name="End asked for">{schedule.expiresAt && <Moment at={schedule.expiresAt} />}</Fact>
        <Fact name="Access">
          {assignment && (
            <a href={to.assignment(assignment.id)}>
              From <Moment at={assignment.startsAt} />
              {ending ? (
                <>
                  {' '}
                  until <Moment at={ending} />
                </>
              ) : (
                ', without an end'
              )}
            </a>
          )}
        </Fact>
      </Facts>
      <Review request={request} onDone={reload} />
      <Stages request={request} />
      <Deliveries deliveries={request.deliveries} isTakenAway={takesAway(request)} />
      <Withdrawal
        id={id}
        operation={cancel}
        isOffered={request.viewerCanCancel}
        words={CANCEL}
        onDone={done}
        onRefused={reload}
      />
    </View>
  );
}

function Answer({ question: { text, translations, answer }, displayValues }) {
  const lang = languageOf(text, translations);
  return (
    <Fact name={<span lang={lang}>{text}</span>}>
      {/* Choices are of the question's language; what somebody wrote is of any. */}
      <span className="text" lang={answer.__typename === 'AcceptedChoice' ? lang : undefined}>
        {displayValues.join(', ')}
      </span>
    </Fact>
  );
}

/** The state, with the last step's reason. Changes are told politely: the region is there before them. */
function State({ request, problem }) {
  const { state, history } = request;
  const before = useRef(state);
  const [change, setChange] = useState('');
  useEffect(() => {
    if (before.current !== state) setChange(`This changed: ${REQUEST_STATE[state]}.`);
    before.current = state;
  }, [state]);
  const [last] = history.nodes;
  const said = ['CANCELED', 'DENIED'].includes(state) ? last?.reason : null;
  return (
    <>
      <p className={`state ${state.toLowerCase()}`}>
        <strong>{REQUEST_STATE[state]}</strong>
        {said && (
          <>
            : <span className="text">{said}</span>
          </>
        )}
      </p>
      <p className="change" role="status">
        {problem ? `${problem.message} What stands here may be old.` : change}
      </p>
    </>
  );
}
