//! Keys that are pressed while an answer is made: kept unseen for the next prompt, except where that prompt asks for a yes.

#[cfg(unix)]
use rustix::termios::{LocalModes, OptionalActions, QueueSelector, Termios, tcflush, tcgetattr, tcsetattr};

/// While it lives, the terminal shows no keys and hands on each one as it is pressed. Ctrl-C works.
pub struct Quiet {
    #[cfg(unix)]
    before: Option<Termios>,
}

#[cfg(unix)]
impl Quiet {
    pub fn start(terminal: bool) -> Self {
        let before = terminal.then(|| tcgetattr(std::io::stdin()).ok()).flatten();
        if let Some(before) = &before {
            let mut quiet = before.clone();
            quiet.local_modes.remove(LocalModes::ECHO | LocalModes::ICANON);
            let _ = tcsetattr(std::io::stdin(), OptionalActions::Drain, &quiet);
        }
        Self { before }
    }
}

#[cfg(unix)]
impl Drop for Quiet {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            let _ = tcsetattr(std::io::stdin(), OptionalActions::Drain, before);
        }
    }
}

#[cfg(not(unix))]
impl Quiet {
    pub fn start(_: bool) -> Self {
        Self {}
    }
}

/// A yes counts only if it was typed after the question could be read.
pub fn forget_keys() {
    #[cfg(unix)]
    let _ = tcflush(std::io::stdin(), QueueSelector::IFlush);
}
