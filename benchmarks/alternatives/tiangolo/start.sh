mkdir -p "$PROMETHEUS_MULTIPROC_DIR"
sed "s/PORT/$PORT/" /conf/nginx.conf > /tmp/nginx.conf
sed "s/WORKERS/${WORKERS:-16}/; s/CHEAPER/${CHEAPER:-2}/" /conf/uwsgi.ini > /tmp/uwsgi.ini
exec supervisord -n -c /conf/supervisord.ini
