package cloud

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/resource"
)

func TestClassesAnswerByName(t *testing.T) {
	for _, c := range []struct{ class, size, want string }{
		{"cbs", "5Gi", "requested 5Gi, must be in [10Gi, 32000Gi]"},
		{"cbs", "10Gi", ""},
		{"cbs", "32000Gi", ""},
		{"cbs", "32010Gi", "must be in [10Gi, 32000Gi]"},
		{"ebs-quota", "10Gi", "VolumeLimitExceeded"},
		{"anything-else", "1Gi", ""},
	} {
		got := refusal(c.class, resource.MustParse(c.size))
		if (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s of %s: %q, want %q", c.size, c.class, got, c.want)
		}
	}
}
