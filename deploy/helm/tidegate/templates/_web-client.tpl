{{/* nginx in front of the page: everything that wants to become a WebSocket goes to the gateway, the rest is the page. */}}
{{- define "tidegate.webClientNginx" -}}
{{- $gateway := "" -}}
{{- range .root.Values.ports }}{{ if eq .name $.port }}{{ $gateway = printf "%s:%d" (include "tidegate.fullname" $.root) (int .port) }}{{ end }}{{ end -}}
# Two workers on every node: with one for each processor, a large node would take all of the container's memory.
worker_processes 2;
pid /tmp/nginx.pid;
error_log stderr warn;
events { worker_connections 2048; }
http {
  access_log off;
  default_type text/html;
  charset utf-8;
  server_tokens off;
  client_body_temp_path /tmp/client_body;
  proxy_temp_path /tmp/proxy;
  fastcgi_temp_path /tmp/fastcgi;
  uwsgi_temp_path /tmp/uwsgi;
  scgi_temp_path /tmp/scgi;
  # As long as the gateway itself takes.
  large_client_header_buffers 4 16k;
  map $http_upgrade $connection_upgrade { default upgrade; '' close; }
  server {
    listen {{ .root.Values.webClient.port }};
    root /usr/share/nginx/html;
    location = /healthz { access_log off; return 200; }
    location / {
      if ($http_upgrade) { rewrite ^ /.gateway last; }
      try_files /index.html =404;
      add_header Cache-Control no-cache;
    }
    location = /.gateway {
      internal;
      proxy_pass http://{{ $gateway }}/;
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
      proxy_set_header Host $host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_buffering off;
      proxy_read_timeout 3600s;
      proxy_send_timeout 3600s;
    }
  }
}
{{- end -}}
