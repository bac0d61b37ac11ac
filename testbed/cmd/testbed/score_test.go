package main

import (
	"testing"

	"midwatch.dev/testbed/internal/catalogue"
)

func TestScoreWantsObjectAndClassEqual(t *testing.T) {
	named := catalogue.Cause{Kind: "Deployment", Namespace: "fault-a", Name: "api", Class: "oom_killed"}
	wrong := catalogue.Cause{Kind: "Deployment", Namespace: "fault-b", Name: "api", Class: "oom_killed"}
	faults := []catalogue.Fault{
		{Name: "a", Expected: named},
		{Name: "b", Expected: catalogue.Cause{Kind: "Deployment", Namespace: "fault-b", Name: "api", Class: "panic"}},
	}
	v := compare(faults, []catalogue.Cause{named, wrong})
	if len(v.Named) != 1 || v.Named[0] != "a" || len(v.Missed) != 1 || v.Missed[0] != "b" || len(v.Extra) != 1 || v.Extra[0] != wrong || v.Classes != 1 {
		t.Errorf("%+v", v)
	}
}
