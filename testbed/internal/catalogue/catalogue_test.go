package catalogue

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

func TestEveryFaultIsWhole(t *testing.T) {
	faults, err := List("../..")
	if err != nil {
		t.Fatal(err)
	}
	classes, err := os.ReadFile("../../../crates/diagnose/src/class.rs")
	if err != nil {
		t.Fatal(err)
	}
	known, seen := regexp.MustCompile(`^[a-z0-9_]+$`), map[string]bool{}
	for _, f := range faults {
		if f.Text == "" || f.Expected.Kind == "" || f.Expected.Name == "" || len(f.Shows) == 0 {
			t.Errorf("%s: text, expected and shows are all needed", f.Name)
		}
		if !known.MatchString(f.Expected.Class) || !strings.Contains(string(classes), `"`+f.Expected.Class+`" Cause`) {
			t.Errorf("%s: class %q is not one that diagnose knows as a cause", f.Name, f.Expected.Class)
		}
		if f.Expected.Namespace != "" && f.Expected.Namespace != "fault-"+f.Name && !f.Exclusive && f.Name != "seed-incident" {
			t.Errorf("%s lives in %s: each fault has a namespace of its own", f.Name, f.Expected.Namespace)
		}
		seen[f.Expected.Class] = true
	}
	if len(seen) < 30 {
		t.Errorf("only %d classes can be shown live", len(seen))
	}
}
