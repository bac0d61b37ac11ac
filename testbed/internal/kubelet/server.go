package kubelet

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// logs of one container: what the running (or last) process printed, and the one before it.
type logs struct {
	current, previous string
	started           time.Time
	runs              int
}

// rotate begins the log of a new process.
func (w *worker) rotate(container, text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	l := w.logs[container]
	if l == nil {
		l = &logs{}
		w.logs[container] = l
	}
	if text == "" {
		text = "listening on :8080\n"
	}
	if l.runs > 0 {
		l.previous = l.current
	}
	l.current, l.started, l.runs = text, time.Now(), l.runs+1
}

var serviceIP = regexp.MustCompile(`\$\(SERVICE_IP:([a-z0-9-]+)\)`)

// resolve puts the cluster addresses of services into a log, as a program that dials them would print.
func (w *worker) resolve(ctx context.Context, log string) string {
	return serviceIP.ReplaceAllStringFunc(log, func(match string) string {
		name := serviceIP.FindStringSubmatch(match)[1]
		service, err := w.client.CoreV1().Services(w.pod.Namespace).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return "10.0.0.254"
		}
		return service.Spec.ClusterIP
	})
}

// Handler serves the kubelet's own API (logs; exec, attach and port-forward go on to kwok), the metrics API, and two
// admission webhooks.
func (k *Kubelet) Handler(kwok string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /containerLogs/{namespace}/{pod}/{container}", k.serveLogs)
	k.serveMetrics(mux)
	serveWebhooks(mux)
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: kwok})
	proxy.Transport = &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	for _, path := range []string{"/exec/", "/run/", "/attach/", "/portForward/"} {
		mux.Handle(path, proxy)
	}
	return mux
}

func (k *Kubelet) serveLogs(rw http.ResponseWriter, r *http.Request) {
	pod, container := r.PathValue("pod"), r.PathValue("container")
	w := k.find(r.PathValue("namespace"), pod)
	if w == nil {
		http.Error(rw, fmt.Sprintf("pod %q not found", pod), http.StatusNotFound)
		return
	}
	query := r.URL.Query()
	previous := query.Get("previous") == "true"
	w.mu.Lock()
	l, waiting := w.logs[container], "ContainerCreating"
	for _, s := range append(w.status.InitContainerStatuses, w.status.ContainerStatuses...) {
		if s.Name == container && s.State.Waiting != nil {
			waiting = s.State.Waiting.Reason
		}
	}
	text, started := "", time.Time{}
	if l != nil {
		text, started = l.current, l.started
		if previous {
			text = l.previous
		}
	}
	w.mu.Unlock()
	switch {
	case previous && (l == nil || l.runs < 2):
		http.Error(rw, fmt.Sprintf("previous terminated container %q in pod %q not found", container, pod), http.StatusBadRequest)
		return
	case l == nil && (waiting == "ImagePullBackOff" || waiting == "ErrImagePull"):
		http.Error(rw, fmt.Sprintf("container %q in pod %q is waiting to start: trying and failing to pull image", container, pod), http.StatusBadRequest)
		return
	case l == nil:
		http.Error(rw, fmt.Sprintf("container %q in pod %q is waiting to start: %s", container, pod, waiting), http.StatusBadRequest)
		return
	}
	_, _ = rw.Write([]byte(cut(text, started, query)))
	if query.Get("follow") == "true" {
		if flusher, ok := rw.(http.Flusher); ok {
			flusher.Flush()
		}
		<-r.Context().Done()
	}
}

// cut applies tailLines, timestamps and limitBytes.
func cut(text string, started time.Time, query url.Values) string {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if query.Get("timestamps") == "true" {
		for i := range lines {
			lines[i] = started.UTC().Add(time.Duration(i)*time.Millisecond).Format(time.RFC3339Nano) + " " + lines[i]
		}
	}
	if tail, err := strconv.Atoi(query.Get("tailLines")); err == nil && tail < len(lines) {
		lines = lines[len(lines)-tail:]
	}
	out := strings.Join(lines, "\n") + "\n"
	if len(lines) == 0 {
		out = ""
	}
	if limit, err := strconv.Atoi(query.Get("limitBytes")); err == nil && limit < len(out) {
		out = out[:limit]
	}
	return out
}
