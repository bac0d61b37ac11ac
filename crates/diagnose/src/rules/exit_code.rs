//! What an exit code means, in words.

/// The meaning of a code that has one, in Chinese and in English.
pub fn meaning(code: i64) -> Option<(&'static str, &'static str)> {
    let words = match code {
        0 => ("正常结束", "it ended by itself"),
        1 => ("一般错误", "a general error"),
        2 => ("用法错误或 panic", "wrong use, or a panic"),
        126 => ("命令不可执行", "the command may not be executed"),
        127 => ("命令不存在", "the command was not found"),
        128 => ("容器没能启动", "the container could not be started"),
        129 => ("SIGHUP", "SIGHUP"),
        130 => ("SIGINT，被中断", "SIGINT, interrupted"),
        132 => ("SIGILL，非法指令", "SIGILL, an illegal instruction"),
        133 => ("SIGTRAP", "SIGTRAP"),
        134 => ("SIGABRT，程序自行中止", "SIGABRT, the program aborted"),
        135 => ("SIGBUS，总线错误", "SIGBUS, a bus error"),
        136 => ("SIGFPE，算术错误", "SIGFPE, an arithmetic error"),
        137 => ("SIGKILL，被强制杀死", "SIGKILL, killed from outside"),
        139 => ("SIGSEGV，段错误", "SIGSEGV, a segmentation fault"),
        141 => ("SIGPIPE", "SIGPIPE"),
        143 => ("SIGTERM，被要求停止", "SIGTERM, it was told to stop"),
        159 => ("SIGSYS，系统调用被禁止", "SIGSYS, a system call that is not allowed"),
        255 => ("程序自定的错误", "an error of the program's own"),
        _ => return None,
    };
    Some(words)
}

/// A signal that the program's own fault raises.
pub fn is_crash(code: i64) -> bool {
    matches!(code, 132 | 134 | 135 | 136 | 139)
}

/// `137 (SIGKILL, ...)` in both languages.
pub fn shown(code: i64) -> (String, String) {
    match meaning(code) {
        Some((zh, en)) => (format!("{code}（{zh}）"), format!("{code} ({en})")),
        None => (code.to_string(), code.to_string()),
    }
}
