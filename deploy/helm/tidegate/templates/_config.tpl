{{/* The gateway's file: `configFile` or `config`, with the times of `shutdown`. */}}
{{- define "tidegate.config" -}}
{{- $config := .Values.config -}}
{{- if .Values.configFile -}}
{{- $config = fromYaml .Values.configFile -}}
{{- with $config.Error }}{{ fail (printf "configFile is not YAML: %s" .) }}{{ end -}}
{{- end -}}
{{- if hasKey $config "shutdown" -}}
{{- fail "config.shutdown: set shutdown.timeoutSeconds and shutdown.jitterSeconds of the chart instead, since the pod's grace period follows from them" -}}
{{- end -}}
{{- include "tidegate.checkShutdown" . -}}
{{- range $name := list "log" "admin" "listeners" -}}
{{- if and (hasKey $config $name) (not (kindIs "map" (get $config $name))) -}}
{{- fail (printf "config.%s: expected settings by name, as in the gateway's own file" $name) -}}
{{- end -}}
{{- end -}}
{{- include "tidegate.checkAdmin" (dict "root" . "admin" (default dict $config.admin)) -}}
{{- include "tidegate.checkPorts" (dict "root" . "config" $config) -}}
{{- $embedded := eq (dig "log" "driver" "auto" $config | toString) "embedded" -}}
{{- if and .Values.dataClaim (or .Values.autoscaling.enabled (gt (int .Values.replicas) 1)) -}}
{{- fail "dataClaim: a disk belongs to one gateway; set replicas to 1 and switch autoscaling off" -}}
{{- end -}}
{{- if and $embedded (or .Values.autoscaling.enabled (gt (int .Values.replicas) 1)) -}}
{{- fail "config.log.driver is embedded, so each pod would have a log of its own: set replicas to 1 and switch autoscaling off, or use Kafka" -}}
{{- end -}}
{{- $shutdown := dict "timeout" (printf "%ds" (int .Values.shutdown.timeoutSeconds)) "jitter" (printf "%ds" (int .Values.shutdown.jitterSeconds)) -}}
{{- toYaml (merge (dict "shutdown" $shutdown) $config) -}}
{{- end -}}

{{/* How probes and Prometheus ask the admin port: HTTPS where it has TLS. */}}
{{- define "tidegate.adminScheme" -}}
{{- $config := .Values.config -}}
{{- if .Values.configFile }}{{ $config = fromYaml .Values.configFile }}{{ end -}}
{{- if hasKey (default dict $config.admin) "tls" }}HTTPS{{ else }}HTTP{{ end -}}
{{- end -}}

{{/* Probes and Prometheus ask the admin port, from outside of the pod. */}}
{{- define "tidegate.checkAdmin" -}}
{{- $ours := int .root.Values.adminPort -}}
{{- $port := include "tidegate.knownPort" (dict "where" "config.admin.port" "port" (dig "port" 8080 .admin)) -}}
{{- if and $port (ne (int $port) $ours) -}}
{{- fail (printf "adminPort is %d and config.admin.port is %s: probes would look at the wrong port" $ours $port) -}}
{{- end -}}
{{- if eq (dig "enabled" true .admin | toString) "false" -}}
{{- fail "config.admin.enabled is false, and probes ask the admin port: leave it out" -}}
{{- end -}}
{{- include "tidegate.checkHost" (dict "where" "config.admin.host" "host" (dig "host" "" .admin)) -}}
{{- end -}}

{{- define "tidegate.checkShutdown" -}}
{{- $jitter := int .Values.shutdown.jitterSeconds -}}
{{- if ge $jitter (int .Values.shutdown.timeoutSeconds) -}}
{{- fail "shutdown.jitterSeconds must be less than shutdown.timeoutSeconds: clients that are closed last need time for their last answers" -}}
{{- end -}}
{{- if and (gt $jitter 0) (le (int .Values.shutdown.preStopSeconds) $jitter) -}}
{{- fail "shutdown.preStopSeconds must be more than shutdown.jitterSeconds: the clients of one pod connect again before the next pod closes its own" -}}
{{- end -}}
{{- end -}}
