//! `midwatch chat`: questions and orders at the terminal, one after the other.

mod history;
mod reader;
mod turn;

use std::io::IsTerminal as _;

use anyhow::ensure;
use clap::Args;
use diagnose::Lang;

use super::room::RoomArgs;
use super::say;
use crate::chat::Room;
use crate::store::{Store, chats};
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
        let room = self.room.open(&config, Some(store.clone()), true).await?;
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
        let mut text = self.word(
            &format!("{head}\n没有配置模型：由规则和工具回答。/help 查看能做什么，Ctrl-D 结束。\n"),
            &format!(
                "{head}\nNo model is configured: rules and tools answer. /help says what they can do, Ctrl-D ends.\n"
            ),
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
            "/model" => say(&self.word(
                "没有配置模型（配置文件里的 models）；规则和工具仍然回答。\n",
                "No model is configured (`models` in the configuration); rules and tools answer all the same.\n",
            )),
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

    fn commands(&self) -> String {
        self.word(
            "/namespace NS   以后默认这个命名空间（- 取消）\n/evidence E3    一条证据的全文\n/model          使用的模型\n/history        问过的问题\n/exit           结束\n",
            "/namespace NS   meant where none is said (- for none)\n/evidence E3    one piece of evidence in full\n/model          the model in use\n\
             /history        what was asked\n/exit           end\n",
        )
    }
}
