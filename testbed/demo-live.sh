#!/usr/bin/env bash
# The seed's incident on a real control plane: Prometheus fires, Alertmanager calls, Midwatch names the cause on this terminal.
# `make demo-live` builds what it needs first. MIDWATCH_LANG=en: English cards. STAY=1: all goes on until Ctrl-C. Leaves nothing behind.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
midwatch=${MIDWATCH:-$here/../target/debug/midwatch}
lang=${MIDWATCH_LANG:-zh}
work=$(mktemp -d "${TMPDIR:-/tmp}/midwatch-demo.XXXXXX")
patience=120 bed='' server=''

say() { if [ "$lang" = zh ]; then printf '\n%s\n' "$1"; else printf '\n%s\n' "$2"; fi; }
now() { local t=${EPOCHREALTIME/[.,]/}; echo $((t / 1000)); }
seconds() { printf '%d.%d' $(($1 / 1000)) $(($1 % 1000 / 100)); }

finish() {
  trap '' INT TERM
  if [ -n "$server" ]; then kill "$server" 2>/dev/null && wait "$server" 2>/dev/null || true; fi
  # the test bed stops when this end of its standard input closes
  exec 3>&- || true
  [ -z "$bed" ] || wait "$bed" 2>/dev/null || true
  rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM

fail() { say "失败：$1" "failed: $1" >&2; tail -n 20 "$work"/*.log >&2 || true; exit 1; }

port=$((20000 + RANDOM % 20000))
while (exec 4<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do port=$((20000 + RANDOM % 20000)); done
intake=http://127.0.0.1:$port

"$here/run" build
say "正在启动 etcd、kube-apiserver、控制器、调度器、kube-state-metrics、Prometheus 和 Alertmanager ……" \
  "Starting etcd, kube-apiserver, controllers, scheduler, kube-state-metrics, Prometheus and Alertmanager ..."
mkfifo "$work/alive"
"$here/run" up --wait --webhook "$intake/webhooks/alertmanager" <"$work/alive" >"$work/state.json" 2>"$work/testbed.log" &
bed=$!
exec 3>"$work/alive"
until [ -s "$work/state.json" ]; do kill -0 "$bed" 2>/dev/null || fail "testbed up"; sleep 0.1; done
field() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p" "$work/state.json"; }
dir=$(field dir)

cat >"$work/midwatch.yaml" <<YAML
data_dir: $work/data
listen: 127.0.0.1:$port
lang: $lang
cluster: {kubeconfig: $(field kubeconfig), context: tool-a, name: testbed}
prometheus: {url: $(field prometheus)}
alertmanagers: [{url: $(field alertmanager)}]
YAML
"$midwatch" serve --config "$work/midwatch.yaml" > >(tee "$work/cards" 3>&-) 2>"$work/midwatch.log" 3>&- &
server=$!
until grep -q serving "$work/midwatch.log"; do kill -0 "$server" 2>/dev/null || fail "midwatch serve"; sleep 0.05; done

# card TEXT: waits until a card says it, and says how long the alert and the cause took
card() {
  local began fired='' deadline=$((SECONDS + patience)) size
  began=$(now) size=$(wc -c <"$work/cards")
  while [ $SECONDS -lt $deadline ]; do
    kill -0 "$server" 2>/dev/null || fail "midwatch serve"
    [ -n "$fired" ] || [ "$(wc -c <"$work/cards")" -le "$size" ] || fired=$(now)
    if tail -c "+$((size + 1))" "$work/cards" | grep -q "$1"; then
      local cause; cause=$(now)
      say "⏱  告警在故障出现 $(seconds $((fired - began))) 秒后送达，原因再过 $(seconds $((cause - fired))) 秒送达" \
        "⏱  the alert came $(seconds $((fired - began))) s after the fault, its cause $(seconds $((cause - fired))) s later"
      return
    fi
    sleep 0.02
  done
  fail "$1"
}

say "① 创建 5Gi 的 PVC，而该存储类的云盘最小为 10Gi；等待 Prometheus 触发告警" \
  "1. A claim asks for 5Gi where the class's disks start at 10Gi; waiting for Prometheus to fire"
"$here/run" fault --dir "$dir" seed-incident 3>&-
card 10Gi
say "② 把 PVC 按 10Gi 重建；等待下一个告警" "2. The claim is made again at 10Gi; waiting for the next alert"
"$here/run" mend --dir "$dir" seed-incident 3>&-
card noimage

if [ -n "${STAY:-}" ]; then
  say "一切保持运行，按 Ctrl-C 停止。" "Everything goes on; Ctrl-C stops it."
  cat <<INFO
  Midwatch       $intake
  Prometheus     $(field prometheus)
  Alertmanager   $(field alertmanager)
  API server     $(field apiserver)
  export KUBECONFIG=$(field kubeconfig)
  $(field kubectl) get pods -A
  $midwatch diagnose -n aiops
  testbed/run fault --dir $dir --list
INFO
  wait "$server"
fi
