//! The shapes of public chat APIs.
//!
//! - OpenAI, and all that speak its language: <https://platform.openai.com/docs/api-reference/chat-streaming>,
//!   <https://platform.openai.com/docs/api-reference/responses-streaming>
//! - Anthropic: <https://docs.anthropic.com/en/docs/build-with-claude/streaming>
//! - Gemini: <https://ai.google.dev/api/generate-content>
//! - Ollama (lines of JSON): <https://github.com/ollama/ollama/blob/main/docs/api.md>

use super::{Ending, Is, Shape, Spelt};

const CHOICE: &str = "$.choices[*].index";
const CANDIDATE: &str = "$.candidates[*].index";

const fn text(path: &'static str, keys: &'static [&'static str]) -> Spelt {
    Spelt {
        path,
        keys,
        asks: None,
        json: false,
    }
}

const fn json(path: &'static str, keys: &'static [&'static str]) -> Spelt {
    Spelt {
        json: true,
        ..text(path, keys)
    }
}

const fn asking(asks: &'static str, spelt: Spelt) -> Spelt {
    Spelt {
        asks: Some(asks),
        ..spelt
    }
}

const fn end(path: &'static str, is: Is, key: Option<&'static str>) -> Ending {
    Ending { path, is, key }
}

/// Names as policies have them.
pub(crate) const BUILT_IN: &[Shape] = &[
    Shape {
        name: "openai-chat",
        texts: &[
            text("$.choices[*].delta.content", &[CHOICE]),
            text("$.choices[*].delta.reasoning_content", &[CHOICE]),
            text("$.choices[*].delta.reasoning", &[CHOICE]),
            text("$.choices[*].delta.refusal", &[CHOICE]),
            json(
                "$.choices[*].delta.tool_calls[*].function.arguments",
                &[CHOICE, "$.choices[*].delta.tool_calls[*].index"],
            ),
            json("$.choices[*].delta.function_call.arguments", &[CHOICE]),
            text("$.choices[*].text", &[CHOICE]),
        ],
        ends: &[end("$.choices[*].finish_reason", Is::There, Some(CHOICE))],
    },
    Shape {
        name: "openai-responses",
        texts: &[text(
            "$.delta",
            &[
                "$.item_id",
                "$.type",
                "$.output_index",
                "$.content_index",
                "$.summary_index",
            ],
        )],
        ends: &[
            end("$.type", Is::EndingIn(".done"), Some("$.item_id")),
            end("$.type", Is::Exactly("response.completed"), None),
            end("$.type", Is::Exactly("response.incomplete"), None),
            end("$.type", Is::Exactly("response.failed"), None),
        ],
    },
    Shape {
        name: "anthropic",
        texts: &[
            text("$.delta.text", &["$.index"]),
            text("$.delta.thinking", &["$.index"]),
            json("$.delta.partial_json", &["$.index"]),
            asking("$.stop_reason", text("$.completion", &[])),
        ],
        ends: &[
            end("$.type", Is::Exactly("content_block_stop"), Some("$.index")),
            end("$.type", Is::Exactly("message_stop"), None),
        ],
    },
    Shape {
        name: "gemini",
        texts: &[text(
            "$.candidates[*].content.parts[*].text",
            &[CANDIDATE, "$.candidates[*].content.parts[*].thought"],
        )],
        ends: &[end("$.candidates[*].finishReason", Is::There, Some(CANDIDATE))],
    },
    Shape {
        name: "ollama",
        texts: &[
            asking("$.done", text("$.message.content", &[])),
            asking("$.done", text("$.message.thinking", &[])),
            asking("$.done", text("$.response", &[])),
        ],
        ends: &[end("$.done", Is::Exactly("true"), None)],
    },
];
