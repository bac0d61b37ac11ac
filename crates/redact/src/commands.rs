//! Passwords on command lines that no telling name goes before: `mysql -pX`, `curl -u a:X`, `redis-cli -a X`.

use crate::{Class, Span, values};

/// How far behind the program its flags are looked for.
const LINE: usize = 512;

pub struct Command {
    pub program: &'static str,
    takes: Takes,
}

#[derive(Debug, Clone, Copy)]
enum Takes {
    /// `-pX` in one word.
    Attached(&'static str),
    /// `-p X`, also as two items of a list.
    Next(&'static str),
    /// Either of both.
    Both(&'static str),
    /// `pass:X` as a word.
    Prefix(&'static str),
    /// The so-manieth word after the program, and the last ones that are no flag.
    Word(usize),
    /// The word before the program in a pipe: `echo X | docker login --password-stdin`.
    Piped,
    /// The last word, where a short flag says that the password comes with the others.
    Last,
    /// The only word of the line below.
    Below,
    /// `-U user%X`.
    Percent,
    /// `user_name="X"`.
    Assigned(&'static str),
}

use Takes::{Assigned, Attached, Below, Both, Last, Next, Percent, Piped, Prefix, Word};

pub const COMMANDS: [Command; 83] = [
    Command { program: "mysql", takes: Attached("-p") },
    Command { program: "mariadb", takes: Attached("-p") },
    Command { program: "mysqladmin", takes: Attached("-p") },
    Command { program: "mysqld_exporter", takes: Attached("-p") },
    Command { program: "redis-cli", takes: Next("-a") },
    Command { program: "redis-benchmark", takes: Next("-a") },
    Command { program: "valkey-cli", takes: Next("-a") },
    Command { program: "sshpass", takes: Both("-p") },
    Command { program: "docker login", takes: Next("-p") },
    Command { program: "podman login", takes: Next("-p") },
    Command { program: "nerdctl login", takes: Next("-p") },
    Command { program: "crane auth login", takes: Next("-p") },
    Command { program: "registry login", takes: Next("-p") },
    Command { program: "oras login", takes: Next("-p") },
    Command { program: "buildah login", takes: Next("-p") },
    Command { program: "skopeo login", takes: Next("-p") },
    Command { program: "az login", takes: Next("-p") },
    Command { program: "oc login", takes: Next("-p") },
    Command { program: "argocd login", takes: Next("--password") },
    Command { program: "mongo", takes: Next("-p") },
    Command { program: "clickhouse-client", takes: Next("--password") },
    Command { program: "cqlsh", takes: Next("-p") },
    Command { program: "influx", takes: Next("-password") },
    Command { program: "influx ", takes: Next("-t") },
    Command { program: "ldapsearch", takes: Both("-w") },
    Command { program: "ldapmodify", takes: Both("-w") },
    Command { program: "ldapadd", takes: Both("-w") },
    Command { program: "ldapwhoami", takes: Both("-w") },
    Command { program: "ldappasswd", takes: Both("-w") },
    Command { program: "ldapdelete", takes: Both("-w") },
    Command { program: "sqlcmd", takes: Both("-P") },
    Command { program: "bcp ", takes: Both("-P") },
    Command { program: "zip ", takes: Next("-P") },
    Command { program: "7z ", takes: Attached("-p") },
    Command { program: "unrar ", takes: Attached("-p") },
    Command { program: "openssl", takes: Prefix("pass:") },
    Command { program: "ssh-keygen", takes: Next("-N") },
    Command { program: "keytool", takes: Next("-storepass") },
    Command { program: "keytool ", takes: Next("-keypass") },
    Command { program: "smbclient", takes: Percent },
    Command { program: "rabbitmqctl add_user", takes: Word(2) },
    Command { program: "rabbitmqctl change_password", takes: Word(2) },
    Command { program: "htpasswd ", takes: Last },
    Command { program: "mc alias set", takes: Word(4) },
    Command { program: "mc config host add", takes: Word(4) },
    Command { program: "vault login", takes: Word(1) },
    Command { program: "aws_secret_access_key ", takes: Word(1) },
    Command { program: "auth-pass ", takes: Word(2) },
    Command { program: "AUTH PLAIN ", takes: Word(1) },
    Command { program: "AUTH LOGIN ", takes: Word(1) },
    Command { program: "LoginModule", takes: Assigned("user_") },
    Command { program: "snmpget", takes: Next("-A") },
    Command { program: "snmpget ", takes: Next("-X") },
    Command { program: "snmpwalk", takes: Next("-A") },
    Command { program: "snmpwalk ", takes: Next("-X") },
    Command { program: "openssl", takes: Next("-k") },
    Command { program: "openssl", takes: Next("-K") },
    Command { program: "codecov", takes: Next("-t") },
    Command { program: "AUTH default ", takes: Word(1) },
    Command { program: "kinit", takes: Piped },
    Command { program: "passphrase-fd", takes: Piped },
    Command { program: "cryptsetup", takes: Piped },
    Command { program: "334 UGFzc3dvcmQ6", takes: Below },
    Command { program: "{.data.", takes: Below },
    Command { program: "initial-password", takes: Below },
    Command { program: "snmpwalk", takes: Next("-c") },
    Command { program: "snmpget", takes: Next("-c") },
    Command { program: "obsutil", takes: Both("-k") },
    Command { program: "ossutil", takes: Both("-k") },
    Command { program: "ipmitool", takes: Both("-P") },
    Command { program: " /user:", takes: Word(1) },
    Command { program: "net user ", takes: Word(2) },
    Command { program: "ConvertTo-SecureString", takes: Word(1) },
    Command { program: "7za ", takes: Attached("-p") },
    Command { program: "insecure-password ", takes: Word(1) },
    Command { program: "psexec", takes: Next("-p") },
    Command { program: "xfreerdp", takes: Prefix("/p:") },
    Command { program: "--password-stdin", takes: Piped },
    Command { program: "chpasswd", takes: Piped },
    Command { program: "passwd --stdin", takes: Piped },
    Command { program: "kubectl create secret", takes: Piped },
    Command { program: "docker secret create", takes: Piped },
    Command { program: "sudo -S", takes: Piped },
];

pub fn at(text: &str, start: usize, end: usize, command: &Command, spans: &mut Vec<Span>) {
    if let Piped = command.takes {
        return piped(text, start, spans);
    }
    if let Below = command.takes {
        spans.extend(below(text, end));
        return;
    }
    let line = &text[end..text.floor_char_boundary(end + LINE)];
    let line = line.split(['\n', '|', ';']).next().unwrap_or_default();
    // The same program again has its own turn.
    let again = line.find(command.program).filter(|next| !line[..*next].ends_with(['.', '/']));
    let line = again.map_or(line, |next| &line[..next]);
    let mut take = |from: usize, value: &str| {
        // `-k=X` and `-k X` are the same.
        let (from, value) = value.strip_prefix('=').map_or((from, value), |value| (from + 1, value));
        let start = end + from;
        let number = value.bytes().all(|byte| byte.is_ascii_digit()) && value.len() < 6;
        if value.len() >= 3 && !number && !value.starts_with('-') && !values::harmless(value) {
            spans.push(Span { start, end: start + value.len(), class: Class::Password });
        }
    };
    if let Last = command.takes {
        let batch = |word: &str| word.starts_with('-') && !word.starts_with("--") && word.contains('b');
        let end = ["\",", "\"}"].iter().filter_map(|end| line.find(end)).min();
        let line = end.map_or(line, |end| &line[..end]);
        if words(line).any(|(_, word)| batch(word))
            && let Some((at, word)) = words(line).last()
        {
            take(at, word);
        }
        return;
    }
    let mut wanted = false;
    let mut operands = 0;
    for (at, word) in words(line) {
        // What the program's name goes on with.
        if at == 0 && !command.program.ends_with(' ') {
            continue;
        }
        if wanted {
            wanted = false;
            take(at, word);
            continue;
        }
        let flag = word.starts_with('-');
        operands += usize::from(!flag);
        match command.takes {
            Attached(name) if word == name => wanted = line[at + word.len()..].starts_with(['"', '\'']),
            Attached(name) | Both(name) if word.len() > name.len() && word.starts_with(name) => {
                take(at + name.len(), &word[name.len()..]);
            }
            Next(name) | Both(name) => wanted = word == name,
            Prefix(name) if word.starts_with(name) => take(at + name.len(), &word[name.len()..]),
            Percent => {
                if let Some((user, password)) = word.split_once('%').filter(|(user, _)| !user.contains('/')) {
                    take(at + user.len() + 1, password);
                }
            }
            Assigned(start) if word.starts_with(start) && word.ends_with('=') => wanted = true,
            Word(number) if operands == number && !flag => take(at, word),
            Attached(_) | Prefix(_) | Word(_) | Assigned(_) | Piped | Last | Below => {}
        }
    }
}

/// The words of a line, without quotes, and without the brackets and commas of a list.
fn words(line: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = &line[at..];
        let start = at + rest.len() - rest.trim_start_matches([' ', '\t', ',', '[', ']', '"', '\'', '\\']).len();
        let rest = &line[start..];
        let opening = line[..start].chars().next_back().filter(|c| "\"'".contains(*c));
        let stop = |c: char| match opening {
            Some(quote) => c == quote || c == '\\',
            None => c.is_whitespace() || "\"'".contains(c),
        };
        // Of a line break in a string of JSON.
        let stop = |(at, c): &(usize, char)| stop(*c) || (*c == '\\' && rest[*at..].starts_with("\\n"));
        let length = rest.char_indices().find(stop).map_or(rest.len(), |(at, _)| at);
        at = start + length;
        (length > 0).then(|| (start, rest[..length].trim_end_matches([',', ']'])))
    })
}

/// What a command that prints one value of a Secret has printed, an answer in a dialogue.
fn below(text: &str, end: usize) -> Option<Span> {
    let rest = &text[end..text.floor_char_boundary(end + LINE)];
    let (line, below) = rest.split_once('\n')?;
    let word = below.split('\n').next().unwrap_or_default().trim_end();
    let start = end + line.len() + 1;
    let wanted = word.len() >= 6 && !word.contains(' ') && (values::random(word) || values::secretive(word));
    (wanted && !values::harmless(word)).then_some(Span { start, end: start + word.len(), class: Class::Secret })
}

/// `echo X | program --password-stdin`
fn piped(text: &str, start: usize, spans: &mut Vec<Span>) {
    let from = text.ceil_char_boundary(start.saturating_sub(LINE));
    let mut lines = text[from..start].rsplit('\n');
    let line = lines.next().unwrap_or_default();
    // `sh -x` shows each part of a pipe on a line of its own.
    let (before, end) = match line.rsplit_once('|') {
        Some((before, _)) => (before, start - line.len() + before.len()),
        None => (
            lines.next().filter(|above| above.starts_with('+')).unwrap_or_default(),
            (start - line.len()).saturating_sub(1),
        ),
    };
    let end = end - (before.len() - before.trim_end().len());
    let before = before.trim_end();
    let bare = before.trim_end_matches(['"', '\'']);
    let word = bare.rsplit([' ', '"', '\'']).next().unwrap_or_default();
    let word =
        if text[start..].starts_with("chpasswd") { word.split_once(':').map_or("", |(_, word)| word) } else { word };
    let echoed = ["echo", "printf"].iter().any(|command| before.contains(command));
    if echoed && word.len() >= 3 && !values::harmless(word) {
        let end = end - (before.len() - bare.len());
        spans.push(Span { start: end - word.len(), end, class: Class::Password });
    }
}

/// `-u user:password` and the like.
pub fn login(text: &str, start: usize, end: usize) -> Option<Span> {
    let bytes = text.as_bytes();
    let word = &text[start..end];
    let mut start = start;
    if word.len() == 3 && word.as_bytes()[1].eq_ignore_ascii_case(&b'u') {
        // The last of several short flags: `curl -sSu a:X`.
        let flags = bytes[..start].iter().rev().take(6).take_while(|byte| byte.is_ascii_alphabetic()).count();
        start = start.checked_sub(flags + 1).filter(|at| bytes[*at] == b'-' && bytes[end - 2] == b'u')?;
    }
    let word = &text[start..end];
    let flag = word.starts_with('-');
    if start > 0 && !b" \t\n\"'[,(`-cr".contains(&bytes[start - 1]) {
        return None;
    }
    let lead = bytes[end..].iter().take(6).take_while(|byte| b" =\"',\\".contains(byte)).count();
    if lead == 0 && !word.ends_with([' ', '=']) && word != "-u" {
        return None;
    }
    let from = end + lead;
    let quote = bytes[..from].last().filter(|byte| b"\"'".contains(byte)).copied();
    let info = text[from..text.floor_char_boundary(from + 256)]
        .split(|c: char| match quote {
            Some(quote) => c == char::from(quote) || c == '\n' || c == '\\',
            None => c.is_whitespace() || "\"',".contains(c),
        })
        .next()
        .unwrap_or_default();
    let (user, password) = info.split_once(':')?;
    let named = !user.is_empty() && user.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.@\\-".contains(&byte));
    let number = password.bytes().all(|byte| byte.is_ascii_digit());
    let likely = flag && word != "-a " || values::random(password);
    let wanted = named
        && likely
        && !password.is_empty()
        && !number
        && !values::harmless(password)
        && !password.starts_with("//");
    wanted.then_some(Span { start: from + user.len() + 1, end: from + info.len(), class: Class::Password })
}

/// `IDENTIFIED BY 'X'`, also with a plugin named and inside a string.
pub fn identified(text: &str, end: usize) -> Option<Span> {
    let rest = &text[end..text.floor_char_boundary(end + LINE)];
    let line = rest.split('\n').next().unwrap_or_default();
    let by = line
        .to_ascii_lowercase()
        .find(" by ")
        .or_else(|| line.to_ascii_lowercase().find(" as "))
        .filter(|by| *by < 48)?;
    let open = by + 4 + line[by + 4..].find(['\'', '"'])?;
    let between = line[by + 4..open].trim_end_matches('\\').trim();
    if !between.is_empty() && !between.eq_ignore_ascii_case("password") {
        return None;
    }
    let value = line[open + 1..].split([line.as_bytes()[open] as char, '\\']).next().unwrap_or_default();
    let start = end + open + 1;
    (!value.is_empty() && !values::harmless(value)).then_some(Span {
        start,
        end: start + value.len(),
        class: Class::Password,
    })
}

/// `user default on >X ~* +@all`
pub fn acl(text: &str, end: usize) -> Option<Span> {
    let word = text[end..text.floor_char_boundary(end + LINE)].split(char::is_whitespace).next()?;
    let word = word.trim_end_matches(['"', '\'', ',']);
    (word.len() >= 3).then_some(Span { start: end, end: end + word.len(), class: Class::Password })
}

/// The password of a line of `~/.pgpass`: host, port, database and user before it.
pub fn pgpass(text: &str, spans: &mut Vec<Span>) {
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let bare = line.trim_end();
        let mut fields = bare.splitn(5, ':');
        let head: [Option<&str>; 5] = std::array::from_fn(|_| fields.next());
        if let [Some(host), Some(port), Some(database), Some(user), Some(password)] = head {
            let plain = |field: &str| !field.is_empty() && !field.contains([' ', '/', '@', '"', '\t']);
            let port = port == "*" || ((2..=5).contains(&port.len()) && port.bytes().all(|byte| byte.is_ascii_digit()));
            let wanted =
                port && plain(host) && plain(database) && plain(user) && plain(password) && !password.starts_with(':');
            if wanted && !database.bytes().all(|byte| byte.is_ascii_digit()) && !values::harmless(password) {
                let at = start + bare.len() - password.len();
                spans.push(Span { start: at, end: at + password.len(), class: Class::Password });
            }
        }
        start += line.len();
    }
}
