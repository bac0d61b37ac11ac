package kubelet

import (
	"fmt"
	"strings"

	"github.com/distribution/reference"
)

// pretend registries, by host: what containerd prints when it cannot reach them or is turned away.
// The first %[1]s is the full image name, %[2]s the host, %[3]s the repository path, %[4]s the tag.
var registries = map[string]string{
	"private.example.com":    `failed to pull and unpack image "%[1]s": failed to resolve reference "%[1]s": failed to authorize: failed to fetch oauth token: unexpected status from GET request to https://%[2]s/token?scope=repository%%3A%[3]s%%3Apull&service=%[2]s: 401 Unauthorized`,
	"timeout.example.com":    `failed to pull and unpack image "%[1]s": failed to resolve reference "%[1]s": failed to do request: Head "https://%[2]s/v2/%[3]s/manifests/%[4]s": dial tcp 203.0.113.10:443: i/o timeout`,
	"refused.example.com":    `failed to pull and unpack image "%[1]s": failed to resolve reference "%[1]s": failed to do request: Head "https://%[2]s/v2/%[3]s/manifests/%[4]s": dial tcp 203.0.113.11:443: connect: connection refused`,
	"nowhere.example.com":    `failed to pull and unpack image "%[1]s": failed to resolve reference "%[1]s": failed to do request: Head "https://%[2]s/v2/%[3]s/manifests/%[4]s": dial tcp: lookup %[2]s on 10.0.0.10:53: no such host`,
	"selfsigned.example.com": `failed to pull and unpack image "%[1]s": failed to resolve reference "%[1]s": failed to do request: Head "https://%[2]s/v2/%[3]s/manifests/%[4]s": tls: failed to verify certificate: x509: certificate signed by unknown authority`,
}

// and by repository, for answers that a healthy registry gives.
var repositories = []struct{ prefix, text string }{
	{"docker.io/library/noimage", `failed to pull and unpack image "%[1]s": failed to resolve reference "%[1]s": pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed`},
	{"docker.io/limited/", `failed to pull and unpack image "%[1]s": failed to copy: httpReadSeeker: failed open: unexpected status code https://registry-1.docker.io/v2/%[3]s/manifests/sha256:4c1c50d0ffc614f90b93b07d778028dc765548e823f676fb027f61d281ac380d: 429 Too Many Requests - Server message: toomanyrequests: You have reached your unauthenticated pull rate limit. https://www.docker.com/increase-rate-limit`},
	{"registry.example.com/arm64/", `rpc error: code = NotFound desc = failed to pull and unpack image "%[1]s": no match for platform in manifest: not found`},
}

// pullError is what pulling an image ends with, empty when it works. Tags that begin with "missing" do not exist.
func pullError(image string) string {
	named, err := reference.ParseDockerRef(image)
	if err != nil {
		return ""
	}
	tag := "latest"
	if tagged, ok := named.(reference.Tagged); ok {
		tag = tagged.Tag()
	}
	full, host, path := named.String(), reference.Domain(named), reference.Path(named)
	if text, found := registries[host]; found {
		return fmt.Sprintf(text, full, host, path, tag)
	}
	for _, repository := range repositories {
		if strings.HasPrefix(full, repository.prefix) {
			return fmt.Sprintf(repository.text, full, host, path, tag)
		}
	}
	if strings.HasPrefix(tag, "missing") {
		return fmt.Sprintf(`rpc error: code = NotFound desc = failed to pull and unpack image "%[1]s": failed to resolve reference "%[1]s": %[1]s: not found`, full)
	}
	return ""
}

// nameError is what the kubelet says about an image name that it cannot parse.
func nameError(image string) string {
	if _, err := reference.ParseDockerRef(image); err != nil {
		return fmt.Sprintf("Failed to apply default image tag %q: couldn't parse image name %q: %v", image, image, err)
	}
	return ""
}
