{{/* The name of a port of the gateway's Service: the one that is given, or the first. */}}
{{- define "tidegate.portName" -}}
{{- default (index .root.Values.ports 0).name .port -}}
{{- end -}}

{{/* Whether `ports` has a port of this name; a typing error is told before the cluster is touched. */}}
{{- define "tidegate.checkedPortName" -}}
{{- $name := include "tidegate.portName" . -}}
{{- $known := list -}}
{{- range .root.Values.ports }}{{ $known = append $known .name }}{{ end -}}
{{- if not (has $name $known) -}}
{{- fail (printf "%s: there is no port %q in ports; there are: %s" .where $name (join ", " $known)) -}}
{{- end -}}
{{- $name -}}
{{- end -}}

{{/* A pod has each port once, and the gateway listens on it. A listener whose port is a ${NAME} is not known here. */}}
{{- define "tidegate.checkPorts" -}}
{{- $names := list "admin" -}}
{{- $numbers := list (int .root.Values.adminPort) -}}
{{- $bound := list -}}
{{- $allKnown := true -}}
{{- range $name, $listener := .config.listeners -}}
  {{- $where := printf "config.listeners.%s" $name -}}
  {{- if not (kindIs "map" $listener) }}{{ fail (printf "%s: expected settings such as { port: 8088 }" $where) }}{{ end -}}
  {{- include "tidegate.checkHost" (dict "where" (printf "%s.host" $where) "host" (dig "host" "" $listener)) -}}
  {{- $port := include "tidegate.knownPort" (dict "where" (printf "%s.port" $where) "port" (dig "port" "" $listener)) -}}
  {{- if $port }}{{ $bound = append $bound (int $port) }}{{ else }}{{ $allKnown = false }}{{ end -}}
{{- end -}}
{{- range .root.Values.ports -}}
  {{- if or (has .name $names) (has (int .port) $numbers) -}}
  {{- fail (printf "ports: %s (%d) is there twice, or is the admin port" .name (int .port)) -}}
  {{- end -}}
  {{- if and $allKnown (not (has (int .port) $bound)) -}}
  {{- fail (printf "ports: no listener of config has the port %d (%s)" (int .port) .name) -}}
  {{- end -}}
  {{- $names = append $names .name -}}
  {{- $numbers = append $numbers (int .port) -}}
{{- end -}}
{{- end -}}

{{/* A port as the gateway's file has it; empty where it is a ${NAME}, which is not known here. */}}
{{- define "tidegate.knownPort" -}}
{{- $text := .port | toString -}}
{{- if kindIs "float64" .port }}{{ $text = .port | int | toString }}{{ end -}}
{{- if contains "${" $text -}}
{{- else if regexMatch "^[0-9]+$" $text -}}
{{- $text -}}
{{- else -}}
{{- fail (printf "%s: expected a number from 1 to 65535, and not %q" .where $text) -}}
{{- end -}}
{{- end -}}

{{/* The loopback address of a pod cannot be reached from outside of it. */}}
{{- define "tidegate.checkHost" -}}
{{- if has (.host | toString) (list "127.0.0.1" "::1" "localhost") -}}
{{- fail (printf "%s is %s, which cannot be reached from outside of the pod: leave it out" .where .host) -}}
{{- end -}}
{{- end -}}

{{/* `service.nodePorts` is by the names of `ports`. */}}
{{- define "tidegate.checkNodePorts" -}}
{{- range $name, $_ := .Values.service.nodePorts -}}
{{- $_ := include "tidegate.checkedPortName" (dict "root" $ "port" $name "where" "service.nodePorts") -}}
{{- end -}}
{{- end -}}
