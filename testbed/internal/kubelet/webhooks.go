package kubelet

import (
	"encoding/json"
	"net/http"
)

// serveWebhooks answers admission reviews: /webhooks/deny refuses everything as a policy engine would.
func serveWebhooks(mux *http.ServeMux) {
	mux.HandleFunc("POST /webhooks/deny", func(rw http.ResponseWriter, r *http.Request) {
		var review struct {
			Request struct {
				UID string `json:"uid"`
			} `json:"request"`
		}
		if err := json.NewDecoder(r.Body).Decode(&review); err != nil {
			http.Error(rw, err.Error(), http.StatusBadRequest)
			return
		}
		reply(rw, map[string]any{"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "response": map[string]any{
			"uid": review.Request.UID, "allowed": false,
			"status": map[string]any{"code": 403, "message": "policy require-team-label: label \"team\" is required on every pod"},
		}})
	})
}
