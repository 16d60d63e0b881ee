{{- /* Names, labels and texts that more than one template needs. Names are fixed: the admission policies know them, and one cluster has one Ringward. */ -}}

{{- define "ringward.selector" -}}
app.kubernetes.io/name: ringward
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/component: controller
{{- end }}

{{- define "ringward.labels" -}}
app.kubernetes.io/name: ringward
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: ringward
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- /* Uninstalling must not delete every policy and state by accident. */ -}}
{{- define "ringward.keepDefinitions" -}}
{{- if .Values.crds.keep -}}
annotations:
  helm.sh/resource-policy: keep
{{- end -}}
{{- end }}

{{- /* The prefixes without closing slash, sorted and once each, as `ringward install --export` takes them. */ -}}
{{- define "ringward.recipeImages" -}}
{{- $all := list -}}
{{- range .Values.recipeImages }}{{ $all = append $all (trimSuffix "/" .) }}{{ end -}}
{{- $all | uniq | sortAlpha | join ", " -}}
{{- end }}

{{- /* What may follow each prefix, as a CEL list. A colon behind a bare registry would be a port, and so another registry. */ -}}
{{- define "ringward.recipeImageForms" -}}
{{- $forms := list -}}
{{- if .Values.recipeImages -}}
{{- range splitList ", " (include "ringward.recipeImages" .) -}}
{{- $forms = append $forms (printf "%s/" . | quote) -}}
{{- if contains "/" . }}{{ $forms = append $forms (printf "%s:" . | quote) }}{{ $forms = append $forms (printf "%s@" . | quote) }}{{ end -}}
{{- end -}}
{{- end -}}
[{{ $forms | join ", " }}]
{{- end }}

{{- define "ringward.image" -}}
{{- $image := .Values.image -}}
{{- $repository := required "image.repository: there is no published image yet; build one and name it (charts/ringward/README.md)" $image.repository -}}
{{- $repository }}:{{ $image.tag | default .Chart.AppVersion }}{{ with $image.digest }}@{{ . }}{{ end }}
{{- end }}

{{- /* TCP port of an address; empty for no address. `git@host:path` has ssh's. */ -}}
{{- define "ringward.portOf" -}}
{{- if regexMatch "^[^/:]+@[^/:]+:" . -}}22
{{- else if regexMatch "^(https?|ssh)://" . -}}
{{- $url := urlParse . -}}
{{- regexFind ":[0-9]+$" $url.host | trimPrefix ":" | default (get (dict "https" "443" "http" "80" "ssh" "22") $url.scheme) -}}
{{- end -}}
{{- end }}

{{- /* What cannot be told from single values. */ -}}
{{- define "ringward.judge" -}}
{{- $namespace := .Release.Namespace -}}
{{- if or (eq $namespace "default") (eq $namespace "ringward-jobs") (hasPrefix "kube-" $namespace) -}}
{{- fail (printf "namespace %s: give the controller a namespace of its own (helm install --namespace ringward-system --create-namespace)" $namespace) -}}
{{- end -}}
{{- if and .Values.priorityClass.create (hasPrefix "system-" .Values.priorityClass.name) -}}
{{- fail (printf "priorityClass.name %s: Kubernetes keeps names that begin with system- to itself; to use the one that is there, set priorityClass.create=false" .Values.priorityClass.name) -}}
{{- end -}}
{{- $mounts := list -}}
{{- range .Values.secretMounts }}{{ $mounts = append $mounts .name }}{{ end -}}
{{- if ne (len $mounts) (len (uniq $mounts)) -}}
{{- fail "secretMounts: two have the same name, and so the same folder" -}}
{{- end -}}
{{- range tuple "prometheus" "alertmanager" -}}
{{- $source := get $.Values . -}}
{{- if and (not $source.url) (or $source.tokenSecret.name $source.caSecret.name) -}}
{{- fail (printf "%s.tokenSecret and %s.caSecret need %s.url" . . .) -}}
{{- end -}}
{{- end -}}
{{- if and .Values.metrics.serviceMonitor.enabled (not .Values.metrics.enabled) -}}
{{- fail "metrics.serviceMonitor.enabled needs metrics.enabled" -}}
{{- end -}}
{{- $ports := list (int .Values.probes.port) -}}
{{- if .Values.metrics.enabled }}{{ $ports = append $ports (int .Values.metrics.port) }}{{ end -}}
{{- if .Values.webhook.secret.name }}{{ $ports = append $ports (int .Values.webhook.port) }}{{ end -}}
{{- if ne (len $ports) (len (uniq $ports)) -}}
{{- fail "metrics.port, probes.port and webhook.port have to differ" -}}
{{- end -}}
{{- end }}
