{{- define "midwatch.name" -}}
{{- if contains "midwatch" .Release.Name }}{{ .Release.Name | trunc 50 | trimSuffix "-" }}{{ else }}{{ printf "%s-midwatch" .Release.Name | trunc 50 | trimSuffix "-" }}{{ end -}}
{{- end }}

{{- define "midwatch.selector" -}}
app.kubernetes.io/name: midwatch
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "midwatch.labels" -}}
{{ include "midwatch.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- /* A role bound to the account: (list . "reader") */ -}}
{{- define "midwatch.binding" -}}
{{- $ := index . 0 -}}
{{- $role := printf "%s-%s" (include "midwatch.name" $) (index . 1) -}}
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: {{ $role }}
  labels:
    {{- include "midwatch.labels" $ | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: {{ $role }}
subjects:
- kind: ServiceAccount
  name: {{ include "midwatch.name" $ }}
  namespace: {{ $.Release.Namespace }}
{{- end }}

{{- /* A role with the rules of a file, and its binding: (list . "reader") */ -}}
{{- define "midwatch.role" -}}
{{- $ := index . 0 -}}
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: {{ include "midwatch.name" $ }}-{{ index . 1 }}
  labels:
    {{- include "midwatch.labels" $ | nindent 4 }}
rules:
{{ $.Files.Get (printf "files/%s.yaml" (index . 1)) | trim }}
---
{{ include "midwatch.binding" . }}
{{- end }}

{{- /* midwatch.yaml, with the names under which the service is reached */ -}}
{{- define "midwatch.config" -}}
{{- $host := printf "%s.%s" (include "midwatch.name" .) .Release.Namespace -}}
{{- $config := deepCopy .Values.config -}}
{{- $mcp := default dict $config.mcp -}}
{{- $hosts := concat (list $host (printf "%s.svc" $host) (printf "%s.svc.cluster.local" $host)) (default list $mcp.allowed_hosts) -}}
{{- toYaml (set $config "mcp" (set $mcp "allowed_hosts" $hosts)) -}}
{{- end }}
