package kubelet

import (
	"strings"
	"testing"
)

func TestPullErrorsByRegistry(t *testing.T) {
	for image, want := range map[string]string{
		"nginx:1.27":                             "",
		"registry.example.com/shop/cart:1.4.2":   "",
		"noimage":                                `failed to resolve reference "docker.io/library/noimage:latest": pull access denied`,
		"registry.example.com/shop/cart:missing": `registry.example.com/shop/cart:missing: not found`,
		"limited/nginx:1.27":                     "429 Too Many Requests",
		"registry.example.com/arm64/cart:1.0.0":  "no match for platform in manifest",
		"private.example.com/shop/cart:1.0.0":    "scope=repository%3Ashop/cart%3Apull",
		"timeout.example.com/shop/cart:1.0.0":    `Head "https://timeout.example.com/v2/shop/cart/manifests/1.0.0": dial tcp 203.0.113.10:443: i/o timeout`,
		"nowhere.example.com/shop/cart:1.0.0":    "lookup nowhere.example.com on 10.0.0.10:53: no such host",
	} {
		got := pullError(image)
		if (want == "") != (got == "") || !strings.Contains(got, want) || strings.Contains(got, "%!") {
			t.Errorf("%s: %q does not hold %q", image, got, want)
		}
	}
}

func TestImageNames(t *testing.T) {
	if text := nameError("registry.example.com/Shop/Cart:1.0"); !strings.Contains(text, "must be lowercase") {
		t.Errorf("capital letters pass: %q", text)
	}
	if text := nameError("registry.example.com/shop/cart:1.0"); text != "" {
		t.Errorf("a good name is refused: %s", text)
	}
}
