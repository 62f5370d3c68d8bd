{{/*
Annotations by which an Ingress controller keeps long sockets open, and those of the values, which win. Traefik has no time limit
for a connection that was upgraded; the limits of its entry points are in its own configuration (deploy/proxies/traefik.yaml).
*/}}
{{- define "tidegate.ingressAnnotations" -}}
{{- $seconds := int .idleTimeoutSeconds -}}
{{- $controller := default .className .controller -}}
{{- $own := dict -}}
{{- if eq $controller "nginx" -}}
{{- $_ := set $own "nginx.ingress.kubernetes.io/proxy-read-timeout" ($seconds | toString) -}}
{{- $_ := set $own "nginx.ingress.kubernetes.io/proxy-send-timeout" ($seconds | toString) -}}
{{- $_ := set $own "nginx.ingress.kubernetes.io/proxy-buffering" "off" -}}
{{- /* A handshake that one gateway answers with 503, since it is full, stops or has lost its log, is tried at another. */ -}}
{{- $_ := set $own "nginx.ingress.kubernetes.io/proxy-next-upstream" "error timeout http_503" -}}
{{- else if eq $controller "alb" -}}
{{- $_ := set $own "alb.ingress.kubernetes.io/target-type" "ip" -}}
{{- $_ := set $own "alb.ingress.kubernetes.io/healthcheck-path" .healthPath -}}
{{- $_ := set $own "alb.ingress.kubernetes.io/healthcheck-interval-seconds" "5" -}}
{{- $_ := set $own "alb.ingress.kubernetes.io/healthcheck-timeout-seconds" "3" -}}
{{- $_ := set $own "alb.ingress.kubernetes.io/unhealthy-threshold-count" "2" -}}
{{- $_ := set $own "alb.ingress.kubernetes.io/load-balancer-attributes" (printf "idle_timeout.timeout_seconds=%d" (min $seconds 4000)) -}}
{{- $_ := set $own "alb.ingress.kubernetes.io/target-group-attributes" (printf "deregistration_delay.timeout_seconds=%d,load_balancing.algorithm.type=least_outstanding_requests" (int .graceSeconds)) -}}
{{- else if eq $controller "traefik" -}}
{{- $_ := set $own "traefik.ingress.kubernetes.io/router.entrypoints" (ternary "websecure" "web" (gt (len .tls) 0)) -}}
{{- if .tls }}{{ $_ := set $own "traefik.ingress.kubernetes.io/router.tls" "true" }}{{ end -}}
{{- end -}}
{{- with merge (dict) (default dict .annotations) $own }}{{ toYaml . }}{{ end -}}
{{- end -}}

{{/* Certificates: one that names no hosts is for the Ingress's own, which some entry has to be for. */}}
{{- define "tidegate.ingressTls" -}}
{{- $host := .host -}}
{{- $wildcard := regexReplaceAll "^[^.]+" $host "*" -}}
{{- $covered := list -}}
{{- $entries := list -}}
{{- range .tls -}}
{{- $entry := merge (dict) . (dict "hosts" (list $host)) -}}
{{- $covered = concat $covered $entry.hosts -}}
{{- $entries = append $entries $entry -}}
{{- end -}}
{{- if and $entries (not (or (has $host $covered) (has $wildcard $covered))) -}}
{{- fail (printf "an Ingress for %s has certificates for %s only: name it in hosts of its tls, or leave hosts out" $host (join ", " $covered)) -}}
{{- end -}}
{{- with $entries }}{{ toYaml . }}{{ end -}}
{{- end -}}
