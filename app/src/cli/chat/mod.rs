//! `midwatch chat`: questions and orders at the terminal, one after the other.

mod history;
mod quiet;
mod reader;
mod turn;

use std::io::IsTerminal as _;

use anyhow::ensure;
use clap::Args;
use diagnose::Lang;

use super::room::RoomArgs;
use super::say;
use crate::chat::{Advisor, Room};
use crate::config::Config;
use crate::store::runs::Kind;
use crate::store::{self, Store, chats};
use history::History;
use reader::{Line, Reader};

#[derive(Debug, Args)]
pub struct Chat {
    #[command(flatten)]
    room: RoomArgs,
    /// Take up the last conversation again, or the one of this id
    #[arg(long, value_name = "ID", num_args = 0..=1, default_missing_value = "")]
    resume: Option<String>,
}

/// A conversation that goes on.
struct Session {
    config: Config,
    room: Room,
    store: Store,
    history: History,
    colour: bool,
    /// a yes is taken only from a person at a terminal
    terminal: bool,
}

impl Chat {
    pub async fn run(self) -> anyhow::Result<u8> {
        let (config, store) = self.room.store.make().await?;
        store.prune_chats(&config.store_settings(), store::now()).await?;
        let room = self.room.open(&config, Some(store.clone()), Kind::Chat).await?;
        let found = match &self.resume {
            Some(id) => {
                let id = Some(id.as_str()).filter(|id| !id.is_empty());
                let found = chats::find(store.read(), &room.person.name, id).await?;
                ensure!(found.is_some(), "there is no conversation {} of yours here", id.unwrap_or_default());
                found
            }
            None => None,
        };
        let mut session = Session {
            config,
            history: History::open(&store, found, &room).await?,
            room,
            store: store.clone(),
            colour: std::io::stdout().is_terminal(),
            terminal: std::io::stdin().is_terminal() && std::io::stdout().is_terminal(),
        };
        session.history.restore(&mut session.room);
        let done = session.go_on().await;
        store.close().await;
        done?;
        Ok(0)
    }
}

impl Session {
    async fn go_on(&mut self) -> anyhow::Result<()> {
        say(&self.welcome())?;
        let mut reader = Reader::new(&self.history.questions(), self.terminal)?;
        loop {
            match reader.line(&self.prompt()).await? {
                Line::Text(text) if text.trim().is_empty() => {}
                Line::Text(text) if matches!(text.trim(), "/exit" | "/quit" | "exit" | "quit") => break,
                Line::Text(text) if text.trim_start().starts_with('/') => self.command(text.trim()).await?,
                Line::Text(text) => self.turn(&text, &mut reader).await?,
                Line::Dropped => {}
                Line::End => break,
            }
        }
        if self.history.has_turns() {
            let id = &self.history.chat.id;
            say(&self.word(
                &format!("继续这次对话：midwatch chat --resume {id}\n"),
                &format!("take it up again: midwatch chat --resume {id}\n"),
            ))?;
        }
        Ok(())
    }

    fn lang(&self) -> Lang {
        let zh = || matches!(super::LangArg::or_environment(None), super::LangArg::Zh);
        self.room.lang.unwrap_or_else(|| if zh() { Lang::Zh } else { Lang::En })
    }

    fn word(&self, zh: &str, en: &str) -> String {
        match self.lang() {
            Lang::Zh => zh.to_owned(),
            Lang::En => en.to_owned(),
        }
    }

    fn paint(&self, code: &str, text: &str) -> String {
        if self.colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    fn prompt(&self) -> String {
        format!("{}> ", self.room.before.namespace.as_deref().unwrap_or(&self.room.cluster.name))
    }

    fn welcome(&self) -> String {
        let name = &self.room.cluster.name;
        let head = self.paint("1", &format!("Midwatch · {name}"));
        let who = match &self.room.advisor {
            None => self.word("不用模型：由规则和工具回答。", "No model is used: rules and tools answer."),
            Some(advisor) => {
                let name = advisor.name();
                self.word(
                    &format!("先由规则和工具回答，不够时问模型 {name}。"),
                    &format!("Rules and tools answer, and the model {name} where they do not suffice."),
                )
            }
        };
        let mut text = self.word(
            &format!("{head}\n{who}/help 查看能做什么，Ctrl-D 结束。\n"),
            &format!("{head}\n{who} /help says what you can type, Ctrl-D ends.\n"),
        );
        for question in self.history.questions().iter().rev().take(3).rev() {
            text.push_str(&self.paint("2", &format!("  {}\n", question.lines().next().unwrap_or_default())));
        }
        text
    }

    /// What begins with a slash.
    async fn command(&mut self, text: &str) -> anyhow::Result<()> {
        let (name, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        let rest = rest.trim();
        match name {
            "/help" => say(&format!("{}\n\n{}", crate::chat::phrases::help(self.lang()), self.commands())),
            "/model" => self.model(rest),
            "/namespace" if rest.is_empty() => {
                let own = self.room.before.namespace.clone();
                say(&format!("{}\n", own.unwrap_or_else(|| self.word("所有命名空间", "all namespaces"))))
            }
            "/namespace" => {
                let all = ["-", "all", "*"].contains(&rest);
                self.room.before.namespace = (!all).then(|| rest.to_owned());
                self.room.before.object = None;
                Ok(())
            }
            "/evidence" => say(&self.history.evidence(rest, self.lang())),
            "/history" => {
                let lines = self.history.questions();
                say(&lines.iter().enumerate().map(|(n, line)| format!("{:>3}  {line}\n", n + 1)).collect::<String>())
            }
            other => {
                let known = ["/help", "/model", "/namespace", "/evidence", "/history", "/exit"];
                let near = diagnose::near::nearest(other, known).map(|near| format!(" ({near}?)")).unwrap_or_default();
                say(&self.word(&format!("没有命令 {other}{near}\n"), &format!("there is no command {other}{near}\n")))
            }
        }
    }

    /// Which model answers from here on; without a name, which there are.
    fn model(&mut self, wish: &str) -> anyhow::Result<()> {
        if !wish.is_empty() {
            let wish = Some(wish).filter(|wish| *wish != "auto");
            match Advisor::of(&self.config, wish, Kind::Chat) {
                Ok(advisor) => {
                    let store = Some(self.store.clone());
                    self.room.advisor = advisor.map(|advisor| Advisor { store, ..advisor });
                }
                Err(error) => return say(&format!("{error:#}\n")),
            }
        }
        let names: Vec<&str> = self.config.models.models.iter().map(|model| model.name.as_str()).collect();
        let names = if names.is_empty() {
            self.word("没有（配置文件里的 models）", "none (`models` in the configuration)")
        } else {
            names.join(", ")
        };
        let now = match &self.room.advisor {
            None => self.word("不用模型，由规则和工具回答", "no model is used, rules and tools answer"),
            Some(advisor) if advisor.always => {
                let name = advisor.name();
                self.word(&format!("每个问题都问 {name}"), &format!("{name} is asked about everything"))
            }
            Some(advisor) => {
                let name = advisor.name();
                self.word(&format!("需要时问 {name}"), &format!("{name} is asked where rules and tools do not suffice"))
            }
        };
        say(&self.word(&format!("{now}；已配置：{names}\n"), &format!("{now}; configured: {names}\n")))
    }

    fn commands(&self) -> String {
        self.word(
            "/namespace NS   以后默认这个命名空间（- 取消）\n/evidence E3    一条证据的全文，R1 是模型读到的\n/model NAME     每个问题都问这个模型；none 不用模型，auto 需要时才用\n/history        问过的问题\n/exit           结束\n",
            "/namespace NS   meant where none is said (- for none)\n/evidence E3    one piece of evidence in full; R1 is what a model read\n\
             /model NAME     ask this model about everything; none: no model, auto: only where it is needed\n\
             /history        what was asked\n/exit           end\n",
        )
    }
}
