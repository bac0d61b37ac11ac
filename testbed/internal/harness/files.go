package harness

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"midwatch.dev/testbed/internal/pki"
)

// tools are the extra identities: each has a bearer token, a context in the kubeconfig and lines in the audit log.
var tools = []struct{ name, group string }{
	{"tool-a", "testbed:readers"}, {"tool-b", "testbed:readers"}, {"tool-c", "testbed:readers"},
	{"narrow", "testbed:narrow"}, {"nobody", "testbed:nobody"},
}

func (t *Testbed) writeFiles() error {
	s := &t.State
	s.APIServer, s.Kubeconfig, s.AuditLog = t.url("https", "apiserver"), t.file("kubeconfig"), t.file("audit.log")
	s.Kubectl, s.CA = t.bin("kubectl"), t.file("pki/ca.crt")
	s.WebhookURL = t.url("https", "kubelet") + "/webhooks"
	if !t.options.NoPrometheus {
		s.Prometheus = t.url("http", "prometheus")
		if t.wantsAlertmanager() {
			s.Alertmanager = t.url("http", "alertmanager")
		}
	}
	if err := t.writeKeys(); err != nil {
		return err
	}
	rules, err := t.rules()
	if err != nil {
		return err
	}
	stages, err := os.ReadFile(filepath.Join(t.options.Home, "config", "kwok.yaml"))
	if err != nil {
		return err
	}
	files := map[string]string{
		"kwok.yaml": string(stages), "rules.yaml": rules, "audit-policy.yaml": auditPolicy(),
		"prometheus.yaml": t.prometheusConfig(), "alertmanager.yaml": t.alertmanagerConfig(),
	}
	for name, text := range files {
		if err := os.WriteFile(t.file(name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}

func (t *Testbed) wantsAlertmanager() bool {
	return t.options.PrometheusPush == "" || len(t.options.Webhooks) > 0 || t.options.SMTP != ""
}

func (t *Testbed) writeKeys() error {
	a, err := pki.New(t.file("pki"))
	if err != nil {
		return err
	}
	t.authority = a
	if err := a.SigningKey("sa.key"); err != nil {
		return err
	}
	if err := a.Serving("apiserver", "kubernetes", "kubernetes.default", "kubernetes.default.svc"); err != nil {
		return err
	}
	if err := a.Serving("kubelet-serving", "metrics-server.kube-system.svc"); err != nil {
		return err
	}
	clients := []struct{ name, user, group string }{
		{"admin", "admin", "system:masters"}, {"kubelet", "testbed:kubelet", "system:masters"},
		{"kwok", "testbed:kwok", "system:masters"}, {"kube-state-metrics", "testbed:kube-state-metrics", "system:masters"},
		{"controller-manager", "system:kube-controller-manager", ""}, {"scheduler", "system:kube-scheduler", ""},
		{"apiserver-kubelet", "testbed:apiserver", ""}, {"front-proxy", "front-proxy", ""},
	}
	for _, c := range clients {
		if err := a.Client(c.name, c.user, c.group); err != nil {
			return err
		}
		if c.name == "admin" || c.name == "front-proxy" || c.name == "apiserver-kubelet" {
			continue
		}
		if err := t.writeKubeconfig("kubeconfig-"+c.name, c.name, nil); err != nil {
			return err
		}
	}
	t.State.Tokens = map[string]string{}
	lines := ""
	for _, tool := range tools {
		secret := make([]byte, 24)
		// The system's source of randomness does not fail.
		_, _ = rand.Read(secret)
		t.State.Tokens[tool.name] = hex.EncodeToString(secret)
		lines += fmt.Sprintf("%s,%s,%s,%q\n", t.State.Tokens[tool.name], tool.name, tool.name, tool.group)
	}
	if err := os.WriteFile(a.Path("tokens.csv"), []byte(lines), 0o600); err != nil {
		return err
	}
	return t.writeKubeconfig("kubeconfig", "admin", t.State.Tokens)
}

// writeKubeconfig writes one that holds its keys, so that it can be copied anywhere.
func (t *Testbed) writeKubeconfig(file, user string, tokens map[string]string) error {
	cert, err := os.ReadFile(t.authority.Path(user + ".crt"))
	if err != nil {
		return err
	}
	key, err := os.ReadFile(t.authority.Path(user + ".key"))
	if err != nil {
		return err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "apiVersion: v1\nkind: Config\ncurrent-context: %s\nclusters:\n- name: testbed\n  cluster: {server: %q, certificate-authority-data: %s}\nusers:\n", user, t.State.APIServer, base64.StdEncoding.EncodeToString(t.authority.PEM))
	fmt.Fprintf(&b, "- name: %s\n  user: {client-certificate-data: %s, client-key-data: %s}\n", user, base64.StdEncoding.EncodeToString(cert), base64.StdEncoding.EncodeToString(key))
	contexts := fmt.Sprintf("contexts:\n- name: %[1]s\n  context: {cluster: testbed, user: %[1]s}\n", user)
	for _, tool := range tools {
		if token := tokens[tool.name]; token != "" {
			fmt.Fprintf(&b, "- name: %s\n  user: {token: %s}\n", tool.name, token)
			contexts += fmt.Sprintf("- name: %[1]s\n  context: {cluster: testbed, user: %[1]s}\n", tool.name)
		}
	}
	return os.WriteFile(t.file(file), []byte(b.String()+contexts), 0o600)
}

// auditPolicy keeps who asked for what, for people and tools only.
func auditPolicy() string {
	users := []string{"admin"}
	for _, tool := range tools {
		users = append(users, tool.name)
	}
	return fmt.Sprintf("apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\nrules:\n- level: Metadata\n  users: [%s]\n- level: None\n", strings.Join(users, ", "))
}

var waits = regexp.MustCompile(`(?m)^(\s+for: ).*$`)

// rules are the standard ones with every `for` cut short: a test cannot wait a quarter of an hour.
func (t *Testbed) rules() (string, error) {
	body, err := os.ReadFile(filepath.Join(t.options.Home, "config", "rules.yaml"))
	if err != nil {
		return "", err
	}
	return waits.ReplaceAllString(string(body), "${1}"+t.options.AlertFor.String()), nil
}

func (t *Testbed) prometheusConfig() string {
	managers := ""
	if t.wantsAlertmanager() {
		managers += fmt.Sprintf("  - static_configs: [{targets: [%q]}]\n", local(t.ports["alertmanager"]))
	}
	if push, err := url.Parse(t.options.PrometheusPush); err == nil && push.Host != "" {
		managers += fmt.Sprintf("  - scheme: %s\n    path_prefix: %q\n    static_configs: [{targets: [%q]}]\n", push.Scheme, strings.TrimSuffix(push.Path, "/"), push.Host)
		if push.User != nil {
			password, _ := push.User.Password()
			managers += fmt.Sprintf("    basic_auth: {username: %q, password: %q}\n", push.User.Username(), password)
		}
	}
	return fmt.Sprintf(`global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s, external_labels: {cluster: testbed}}
alerting:
  alertmanagers:
%srule_files: [%q]
scrape_configs:
- {job_name: kube-state-metrics, honor_labels: true, static_configs: [{targets: [%q]}]}
- {job_name: kubelet, scheme: https, metrics_path: /metrics, tls_config: {ca_file: %q}, static_configs: [{targets: [%q]}]}
`, managers, t.file("rules.yaml"), local(t.ports["kube-state-metrics"]), t.State.CA, local(t.ports["kubelet"]))
}

func (t *Testbed) alertmanagerConfig() string {
	var b strings.Builder
	b.WriteString("global: {resolve_timeout: 10s")
	if t.options.SMTP != "" {
		fmt.Fprintf(&b, ", smtp_smarthost: %q, smtp_from: alertmanager@testbed.example.com, smtp_require_tls: false", t.options.SMTP)
	}
	b.WriteString("}\nroute: {receiver: midwatch, group_by: [namespace], group_wait: 1s, group_interval: 5s, repeat_interval: 1h}\nreceivers:\n- name: midwatch\n")
	if len(t.options.Webhooks) > 0 {
		b.WriteString("  webhook_configs:\n")
	}
	for _, hook := range t.options.Webhooks {
		fmt.Fprintf(&b, "  - {url: %q, send_resolved: true}\n", hook)
	}
	if t.options.SMTP != "" {
		b.WriteString("  email_configs:\n  - {to: oncall@testbed.example.com, send_resolved: true}\n")
	}
	return b.String()
}
