import { Schema } from "effect"

/** What was said so far: by the user, by the model, and by the tools that the model asked for. */
export const Message = Schema.TaggedUnion({
  User: { text: Schema.String },
  ToolCall: { command: Schema.String, args: Schema.Array(Schema.String) },
  ToolResult: { code: Schema.Int, output: Schema.String },
  Answer: { text: Schema.String }
})

export const Conversation = Schema.Array(Message)
export type Conversation = typeof Conversation.Type

/** What a model says next. */
export const Reply = Schema.Union([Message.cases.ToolCall, Message.cases.Answer])
