mkdir -p "$PROMETHEUS_MULTIPROC_DIR"
exec gunicorn --workers "${WORKERS:-5}" --access-logfile - --bind "0.0.0.0:$PORT" main.wsgi:app
