//! Whether each model answers, and what it can do.

use std::time::Duration;

use llm::{Works, probe};

use super::{Line, bad, good, note};
use crate::config::Config;

const PATIENCE: Duration = Duration::from_secs(20);

pub async fn check(config: &Config) -> Vec<Line> {
    // what is learnt here is learnt again by the server: doctor writes nothing
    let models = match llm::Models::new(&config.models, None) {
        Ok(models) => models,
        Err(error) => return vec![bad(format!("模型（models）：{error}"), format!("models: {error}"))],
    };
    if models.is_empty() {
        return vec![note(
            "没有配置模型（models）：只有规则在工作，这就足够给出诊断",
            "no model is configured (models): the rules work alone, which is enough for a diagnosis",
        )];
    }
    let mut lines = Vec::new();
    for name in models.names() {
        let Some(one) = models.only(name) else { continue };
        let Some(found) = probe(&one, PATIENCE).await else { continue };
        let changed = if found.steps.is_empty() { String::new() } else { format!("; {}", found.steps.join("; ")) };
        lines.push(match found.failed {
            Some(failed) => bad(format!("模型 {}", failed.why), format!("model {}", failed.why)),
            None if found.tools == Works::No => note(
                format!("模型 {name} 有应答，但没有调用工具：它只能润色报告{changed}"),
                format!("model {name} answers but called no tool: it can only word reports{changed}"),
            ),
            None => good(
                format!("模型 {name} 有应答并能调用工具，三问共 {} ms{changed}", found.took_ms),
                format!("model {name} answers and calls tools, {} ms for three questions{changed}", found.took_ms),
            ),
        });
    }
    lines
}
