//! `midwatch doctor`: proves what an alert will need, before the first one comes.

use std::io::IsTerminal;

use ::diagnose::Lang;
use clap::Args;
use jiff::Timestamp;

use super::setup::ConfigArgs;
use super::{LangArg, say};
use crate::doctor::{Line, Mark, channels, cluster, models, place, services, snippets, tool_servers};

#[derive(Debug, Args)]
pub struct Doctor {
    #[command(flatten)]
    config: ConfigArgs,
    /// Send a test message through each channel
    #[arg(long)]
    send: bool,
    /// Language of the answer; default: that of the terminal
    #[arg(long, value_enum)]
    lang: Option<LangArg>,
}

impl Doctor {
    pub async fn run(self) -> anyhow::Result<u8> {
        let lang: Lang = LangArg::or_environment(self.lang).into();
        let loaded = self.config.load(&[]);
        let config = &loaded.config;
        let mut broken = !loaded.problems.is_empty();
        match (&loaded.file, broken) {
            (Some(file), false) => print(Mark::Good, &format!("{}", file.display()))?,
            (None, false) => print(
                Mark::Note,
                word(
                    lang,
                    "没有配置文件，使用默认值和 MIDWATCH_* 变量",
                    "no configuration file: defaults and MIDWATCH_* variables apply",
                ),
            )?,
            (_, true) => loaded.problems.iter().try_for_each(|problem| print(Mark::Bad, &problem.to_string()))?,
        }
        let mut tell = |lines: Vec<Line>| -> anyhow::Result<()> {
            for line in lines {
                broken |= line.mark == Mark::Bad;
                print(line.mark, line.text.get(lang))?;
            }
            Ok(())
        };
        let now = Timestamp::now();
        tell(place::check(config).await)?;
        tell(cluster::check(config, now).await)?;
        tell(services::check(config).await?)?;
        tell(models::check(config).await)?;
        tell(tool_servers::check(config).await)?;
        tell(channels::check(config, self.send, now).await?)?;
        let address = snippets::address(config);
        for (zh, en, snippet) in [
            ("粘贴到 Alertmanager：", "Paste into Alertmanager:", snippets::alertmanager(config, &address)),
            (
                "或让 Prometheus 直接推送：",
                "Or let Prometheus push straight to it:",
                snippets::prometheus(config, &address),
            ),
            (
                "Grafana 的联络点（provisioning）：",
                "Grafana's contact point (provisioning):",
                snippets::grafana(config, &address),
            ),
        ] {
            say(&format!("\n{}\n\n{snippet}", word(lang, zh, en)))?;
        }
        Ok(u8::from(broken))
    }
}

fn word<'a>(lang: Lang, zh: &'a str, en: &'a str) -> &'a str {
    match lang {
        Lang::Zh => zh,
        Lang::En => en,
    }
}

fn print(mark: Mark, text: &str) -> anyhow::Result<()> {
    let (sign, colour) = match mark {
        Mark::Good => ("✓", 32),
        Mark::Note => ("·", 33),
        Mark::Bad => ("✗", 31),
    };
    if std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none() {
        return say(&format!("\x1b[{colour}m{sign}\x1b[0m {text}\n"));
    }
    say(&format!("{sign} {text}\n"))
}
