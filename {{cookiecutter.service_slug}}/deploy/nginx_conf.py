"""nginx.conf with the values of the settings."""

from deploy.stack_settings import Settings


def render(text: str, settings: Settings) -> str:
    """Return the text of nginx.conf, whose defaults are replaced by the settings."""
    trusted = "".join(f"{each} yes; " for each in settings.trusted_proxies)
    believed = "".join(f"set_real_ip_from {each}; " for each in settings.trusted_proxies)
    client_limits = ""
    if settings.client_connections:
        client_limits += f"limit_conn clients {settings.client_connections}; "
    if settings.client_rate:
        client_limits += f"limit_req zone=client_rate burst={settings.client_rate} nodelay; "
    replacements = {
        "listen 8080;": f"listen {settings.port};",
        "listen 127.0.0.1:8081;": f"listen {settings.ops_address}:{settings.ops_port};",
        "default no;": f"{trusted}default no;",
        "real_ip_recursive on;": f"{believed}real_ip_recursive on;",
        "rate=1r/s": f"rate={settings.client_rate or 1}r/s",
        "limit_conn requests 512;": f"{client_limits}limit_conn requests 512;",
        "location /docs/ {": "location /docs/ {" + ("" if settings.docs else " return 404;"),
        "[^?]*": ".*" if settings.log_query else "[^?]*",
    }
    for default, value in replacements.items():
        text = text.replace(default, value)
    return text
