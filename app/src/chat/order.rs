//! Orders as people type them: what should be changed, and to what.

use super::words::says;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    Scale(u32),
    Restart,
    Delete,
    /// the last change of this conversation, or the proposal of this id
    Undo(Option<String>),
    /// the release before, or this revision
    RollBack(Option<u32>),
    Pause,
    Resume,
    Image(String),
    Expand(String),
    Cordon(bool),
}

/// What an order lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lack {
    Replicas,
    Image,
    Size,
}

/// The first number that stands for itself, or after an equals sign.
fn number(words: &[&str]) -> Option<u32> {
    words.iter().find_map(|word| word.rsplit('=').next().and_then(|text| text.parse().ok()))
}

/// Chinese numbers up to ten, as they stand before `个` or `副本`.
fn number_zh(flat: &str) -> Option<u32> {
    const DIGITS: [(&str, u32); 12] = [
        ("零", 0),
        ("一", 1),
        ("两", 2),
        ("二", 2),
        ("三", 3),
        ("四", 4),
        ("五", 5),
        ("六", 6),
        ("七", 7),
        ("八", 8),
        ("九", 9),
        ("十", 10),
    ];
    let found = |(digit, _): &&(&str, u32)| {
        ["个", "副本", "份"]
            .iter()
            .any(|after| flat.contains(&format!("{digit}{after}")) || flat.contains(&format!("到{digit}")))
    };
    DIGITS.iter().find(found).map(|(_, number)| *number)
}

/// A size as Kubernetes writes it.
fn size(words: &[&str]) -> Option<String> {
    let units = ["ki", "mi", "gi", "ti", "pi", "k", "m", "g", "t"];
    words.iter().find_map(|word| {
        let digits = word.find(|c: char| !c.is_ascii_digit()).filter(|at| *at > 0)?;
        let (number, unit) = word.split_at(digits);
        let unit = unit.strip_suffix('b').unwrap_or(unit);
        units.contains(&unit).then(|| {
            let mut letters = unit.chars();
            let head = letters.next().map(|c| c.to_ascii_uppercase()).unwrap_or_default();
            // people say 20G and mean what a disk of 20Gi is
            let tail = letters.next().unwrap_or('i');
            format!("{number}{head}{tail}")
        })
    })
}

/// The word that looks like an image.
fn image(words: &[&str]) -> Option<String> {
    let after = |mark: &str| words.iter().position(|word| *word == mark).and_then(|at| words.get(at + 1));
    let tagged = words.iter().rev().find(|word| word.contains(':') && !word.starts_with(':') && !word.contains("://"));
    let assigned = tagged.or_else(|| after("to"));
    assigned.map(|word| word.rsplit('=').next().unwrap_or(word).to_string()).filter(|word| !word.is_empty())
}

fn any(flat: &str, english: &[&str], chinese: &[&str]) -> bool {
    english.iter().any(|phrase| says(flat, phrase)) || chinese.iter().any(|word| flat.contains(word))
}

/// The order in a flat text. `Err` says what it lacks.
pub fn read(flat: &str, words: &[&str]) -> Option<Result<Order, Lack>> {
    let claim = any(flat, &["pvc", "claim", "volume", "disk", "persistentvolumeclaim"], &["存储", "磁盘", "卷"])
        || words.iter().any(|word| word.starts_with("pvc/"));
    if any(flat, &["uncordon"], &["恢复调度", "允许调度"]) {
        return Some(Ok(Order::Cordon(false)));
    }
    if any(flat, &["cordon"], &["禁止调度", "停止调度", "封锁"]) {
        return Some(Ok(Order::Cordon(true)));
    }
    if any(
        flat,
        &["roll back", "rollback", "rollout undo", "undo rollout", "undo the rollout", "previous version"],
        &["回滚", "上一个版本", "上个版本"],
    ) {
        return Some(Ok(Order::RollBack(number(words))));
    }
    if any(flat, &["undo", "revert", "take back"], &["撤销", "撤回", "撤消", "还原"]) {
        let id = words.iter().find(|word| word.starts_with("p-")).map(|word| (*word).to_string());
        return Some(Ok(Order::Undo(id)));
    }
    if any(flat, &["image"], &["镜像"])
        && any(
            flat,
            &["set", "use", "update", "change", "switch", "set image", "upgrade"],
            &["换", "改", "升级", "更新", "设"],
        )
    {
        return Some(image(words).map(Order::Image).ok_or(Lack::Image));
    }
    let grow = any(flat, &["expand", "resize", "grow", "increase"], &["扩容", "扩到", "扩大", "增大"]);
    if grow && (claim || size(words).is_some()) {
        return Some(size(words).map(Order::Expand).ok_or(Lack::Size));
    }
    let replicas = any(flat, &["replicas", "replica"], &["副本"]);
    let scale = any(flat, &["scale"], &["扩到", "扩容", "缩容", "缩到", "扩成", "缩成", "扩展到", "伸缩"]);
    let set = any(
        flat,
        &["set", "change", "give", "run", "want", "increase", "reduce"],
        &["改", "设", "调", "加到", "减到", "变成", "增加到", "减少到"],
    );
    if scale || replicas && set {
        let number = number(words).or_else(|| number_zh(flat));
        return Some(number.map(Order::Scale).ok_or(Lack::Replicas));
    }
    if any(flat, &["rollout pause", "pause rollout", "pause the rollout", "pause"], &["暂停发布", "暂停滚动", "暂停"])
    {
        return Some(Ok(Order::Pause));
    }
    if any(flat, &["rollout resume", "resume rollout", "resume"], &["继续发布", "恢复发布", "继续滚动"]) {
        return Some(Ok(Order::Resume));
    }
    if any(flat, &["restart", "reboot", "bounce", "rollout restart"], &["重启", "重新启动"]) {
        return Some(Ok(Order::Restart));
    }
    if any(
        flat,
        &["delete", "remove", "kill", "get rid of"],
        &["删除", "删掉", "删了", "干掉", "删一下", "清掉", "移除"],
    ) {
        return Some(Ok(Order::Delete));
    }
    None
}
