/** Types of ChannelClient and Topic: a connection to any consumer, typed by its messages. chanx.d.ts has the rest. */

import type { ConnectionStatus, EventBase, Job, JobList, JobOptions, JobRef, Token } from "./chanx.js";

/** A message of a consumer that nobody has typed. */
export interface AnyMessage {
  action: string;
  payload?: any;
  [key: string]: any;
}

/** What the frames of a topic have beside the message's own keys. `seq` only where the server numbers them. */
export interface TopicKeys {
  readonly version: number;
  readonly topic: string;
  readonly ref?: string;
  readonly seq?: number;
}

/** A message as it comes on a topic. */
export type OnTopic<Message> = Message extends unknown ? Message & Omit<TopicKeys, keyof Message> : never;

/** One thing that is wrong with a message: where, and what. */
export interface Problem {
  type: string;
  loc: (string | number)[];
  msg: string;
}

export type ErrorPayload = { reason?: string; detail: string } | Problem[];

/** What the server says of a message that it does not take, and of a handler that raised. */
export type ErrorMessage<Key extends string = "action"> = { [Name in Key]: "error" } & { payload: ErrorPayload };

/** The answer to a subscribe; again after each lost connection. */
export type SubscribedMessage<Payload = unknown, Key extends string = "action"> = { [Name in Key]: "subscribed" } & { payload: Payload };

/** Sent where the server is set to say when everything in answer to something has been sent. */
export type CompletionMessage<Key extends string = "action"> = { [Name in Key]: "complete" | "event_complete" | "group_complete" };

/** The values that a union of messages is told apart by. */
export type ActionOf<Message, Key extends string> = Message extends { [Name in Key]: infer Action extends string } ? Action : never;

/** The messages of a union with that action. */
export type MessageOf<Message, Key extends string, Action extends string> = Message extends { [Name in Key]: infer Own }
  ? Action extends Own
    ? Message
    : never
  : never;

export interface WaitOptions<Message> {
  /** In milliseconds, 10,000 unless given; Infinity waits for ever. */
  timeout?: number;
  /** Which of the messages is meant. */
  where?: (message: Message) => boolean;
}

export interface RequestOptions {
  /** In milliseconds, 10,000 unless given; Infinity waits for ever. */
  timeout?: number;
}

export interface ChannelOptions {
  onStatus?: (status: ConnectionStatus) => void;
  /** For jobs without a token of their own. */
  token?: Token;
  /** The consumer's `discriminator_field`, where that is not "action". */
  actionKey?: string;
  /** false: send no `ping` to find out whether a silent connection is still there. */
  heartbeat?: boolean;
  /** The class of sockets: where there is none, or to send headers (outside a browser). */
  WebSocket?: new (url: string) => unknown;
}

/** Of a generated client, which knows the rest. */
export interface ConnectOptions extends Omit<ChannelOptions, "actionKey" | "heartbeat"> {
  /** Of the server, "https://example.com"; by default the page's own. */
  baseUrl?: string;
}

/** A job's own event as it comes: one of the log, or one of which only the newest counts. */
export type OwnEvent<Message, Key extends string = "action"> = Message extends { [Name in Key]: infer Action extends string }
  ? Message & Omit<EventBase, keyof Message | "action"> & { action: Action } & (
        | { seq: number; head?: undefined; rev?: undefined }
        | { seq?: undefined; head: number; rev: number }
      )
  : never;

/** Those who look at messages: the same of a connection and of a topic. `System` come only to who asks for them by name. */
export interface Messages<Received, System, Key extends string> extends AsyncIterable<Received | ErrorMessage<Key>> {
  /** Calls `listener` with every message of the action; returns the function that ends it. One that throws is reported. */
  on<Action extends ActionOf<Received | ErrorMessage<Key> | System, Key>>(
    action: Action,
    listener: (message: MessageOf<Received | ErrorMessage<Key> | System, Key, Action>) => void,
  ): () => void;
  /** Every message, errors too. */
  on(action: "*", listener: (message: Received | ErrorMessage<Key>) => void): () => void;

  /** The next message of the action, or of one of several. Rejects with a ChanxError. */
  waitFor<Action extends ActionOf<Received | ErrorMessage<Key> | System, Key>>(
    action: Action | readonly Action[],
    options?: WaitOptions<MessageOf<Received | ErrorMessage<Key> | System, Key, Action>>,
  ): Promise<MessageOf<Received | ErrorMessage<Key> | System, Key, Action>>;

  /** The messages from here on. Throws a ChanxError where it is refused, and where the loop is 1,000 messages behind. */
  [Symbol.asyncIterator](): AsyncIterableIterator<Received | ErrorMessage<Key>>;
}

/**
 * A connection to a consumer: opened at once, and again whenever it is lost, until `close`.
 *
 * `Received` and `Sent` are the unions of its messages, `Key` the name of what tells them apart, `OwnEvents` the types of
 * jobs' own events. What comes while there is no connection is lost, except on jobs: `onStatus` tells when it is live again.
 */
export interface ChannelClient<Received = AnyMessage, Sent = AnyMessage, Key extends string = "action", OwnEvents extends EventBase = never>
  extends Messages<Received, CompletionMessage<Key>, Key> {}
export class ChannelClient<Received = AnyMessage, Sent = AnyMessage, Key extends string = "action", OwnEvents extends EventBase = never> {
  constructor(url: string, options?: ChannelOptions);
  readonly status: ConnectionStatus;
  /** Connects again after it was refused, say because somebody has signed in. */
  connect(): void;
  /** Resolves once there is a connection; rejects with a ChanxError where it is refused. */
  ready(): Promise<void>;
  /**
   * Sends a message, now or as soon as there is a connection. Throws a ChanxError where there will be none, and where 100
   * wait already. What the server has against it comes as `on("error", …)`.
   */
  send(message: Sent): void;
  /**
   * Sends a message; resolves with the next one of the action, or of one of several. Rejects with a ChanxError: an `error` that
   * comes meanwhile, a lost connection, nothing in time.
   *
   * Nothing in a message says what it answers: one that is sent to everybody counts too. Calls that ask for the same action
   * have their answers one after the other, each is sent when the one before it is done. Listeners and loops get the answer too.
   */
  ask<Action extends ActionOf<Received, Key>>(
    message: Sent,
    action: Action | readonly Action[],
    options?: RequestOptions,
  ): Promise<MessageOf<Received, Key, Action>>;
  /** Subscribes to a topic, and again after each lost connection. */
  topic<TopicReceived = AnyMessage, TopicSent = AnyMessage, Payload = any>(
    name: string,
    options?: TopicOptions,
  ): Topic<TopicReceived, TopicSent, Payload, Key>;
  topic<Type>(name: string, options: TopicOptions, type: new (opening: TopicOpening) => Type): Type;
  /** Watches a job, where the consumer has a JobTopic. `Result` is the type of what its task returns. */
  job<Result = unknown>(ref: JobRef | string, options?: JobOptions): Job<OwnEvents, Result>;
  /** Follows the list of somebody's jobs: "me" are the user's own, others are owner strings ("project:7"). */
  jobs(owner?: string): JobList;
  /** Something changed for the better: do not wait any longer. In a browser the client finds out by itself. */
  retryNow(): void;
  /** Ends everything: topics, jobs, loops, the connection. */
  close(): void;
}

export interface TopicOptions<Payload = unknown> {
  /** What a subscribe says; a function is asked for each subscribe. */
  payload?: Payload | (() => Payload | Promise<Payload>);
  /** The route of this connection is this topic's own. */
  isDedicated?: boolean;
}

/** What a Topic is made of: the third argument of `topic` is constructed with it. */
export interface TopicOpening {
  readonly channel: unknown;
}

/** One of many streams over a connection. Any number of handles of one topic share a subscription. */
export interface Topic<Received = AnyMessage, Sent = AnyMessage, Payload = any, Key extends string = "action">
  extends Messages<OnTopic<Received>, SubscribedMessage<Payload, Key> | CompletionMessage<Key>, Key> {}
export class Topic<Received = AnyMessage, Sent = AnyMessage, Payload = any, Key extends string = "action"> {
  constructor(opening: TopicOpening);
  /** Its full name, "room:5". */
  readonly name: string;
  /** Resolves with the payload of `subscribed` once the topic is open; rejects with a ChanxError where it is refused. */
  ready(): Promise<Payload>;
  /** Sends a message, now or as soon as the topic is open. What the server has against it comes as `on("error", …)`. */
  send(message: Sent): void;
  /**
   * Sends a message; resolves with the one that answers it. Rejects with a ChanxError: what the server has against it, a lost
   * connection, no answer in time.
   */
  request<Reply = OnTopic<Received>>(message: Sent, options?: RequestOptions): Promise<Reply>;
  /** Ends it: loops end, and with the last handle of a topic the subscription. */
  close(): void;
}

/**
 * `reason` is a code: the server's ("unauthorized", "unknown_topic", …, a project's own), "invalid" (the message is not what
 * the server takes: see `problems`), "failed" (its handler raised), "timeout", "connection_lost", "too_slow",
 * "too_many_waiting", "closed". `detail` is the same in words.
 */
export class ChanxError extends Error {
  constructor(reason: string, detail: string, problems?: Problem[]);
  readonly reason: string;
  readonly detail: string;
  readonly problems: Problem[];
}

/** Where a consumer is: its path, "/ws/room/{room}/", with the parameters filled in. */
export function channelUrl(
  address: string,
  options?: {
    /** Of the server, "https://example.com"; by default the page's own. */
    baseUrl?: string | undefined;
    params?: Readonly<Record<string, string | number>> | undefined;
    /** Where there is neither: outside a browser. */
    server?: string | undefined;
  },
): string;

/** `topicName("room:{id}", { id: 5 })` is "room:5". */
export function topicName(pattern: string, params?: Readonly<Record<string, string | number>>): string;
