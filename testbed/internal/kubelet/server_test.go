package kubelet

import (
	"net/url"
	"testing"
	"time"
)

func TestLogsAreCutAsAsked(t *testing.T) {
	text := "one\ntwo\nthree\n"
	started := time.Date(2026, 11, 24, 3, 0, 0, 0, time.UTC)
	for query, want := range map[string]string{
		"":                            text,
		"tailLines=2":                 "two\nthree\n",
		"tailLines=0":                 "",
		"limitBytes=5":                "one\nt",
		"tailLines=1&timestamps=true": "2026-11-24T03:00:00.002Z three\n",
	} {
		values, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		if got := cut(text, started, values); got != want {
			t.Errorf("%s: got %q, want %q", query, got, want)
		}
	}
}

func TestPreviousLogIsTheOneBefore(t *testing.T) {
	w := &worker{logs: map[string]*logs{}}
	w.rotate("main", "first\n")
	w.rotate("main", "second\n")
	if l := w.logs["main"]; l.previous != "first\n" || l.current != "second\n" || l.runs != 2 {
		t.Errorf("%+v", l)
	}
}
