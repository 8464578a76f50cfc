# One container, 512 MB: Roost, Chromium's headless shell, nothing else. Postgres, Redis and the model are somewhere else
# and named by DATABASE_URL, REDIS_URL, OPENAI_API_KEY; see docs/operating.md.
FROM python:3.12-slim-bookworm

RUN apt-get update \
    && apt-get install -y --no-install-recommends chromium-headless-shell fonts-liberation tini \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /roost
COPY deploy/requirements.lock deploy/requirements.lock
RUN pip install --no-cache-dir --require-hashes -r deploy/requirements.lock

COPY pyproject.toml main.py LICENSE ./
COPY domain domain
COPY store store
COPY social social
COPY actors actors
COPY app app
COPY supervisors supervisors

# Chromium's own sandbox needs an ordinary user.
RUN useradd --create-home --uid 10001 roost && mkdir /data && chown roost /data
USER roost
ENV ROOST_HOME=/data HOST=0.0.0.0 PORT=8080 BROWSER_EXECUTABLE=/usr/bin/chromium-headless-shell PYTHONUNBUFFERED=1
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=3s --start-period=10s CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8080/health', timeout=2)"]

# tini reaps what Chromium leaves behind and hands SIGTERM on.
ENTRYPOINT ["tini", "--"]
CMD ["python", "main.py"]
