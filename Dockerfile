# Three stages make the image: the page of the explorer, the packages, and what runs. `tools` adds PostgreSQL's programs for backups.

FROM node:22-slim AS web
WORKDIR /web
COPY web/package.json web/package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY web/ ./
RUN npm run build

FROM python:3.13-slim-trixie AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
COPY requirements/run.txt requirements/demo.txt /locks/
RUN python -m venv /opt/pat && /opt/pat/bin/pip install --require-hashes --requirement /locks/run.txt
# Only this stage needs what installs the project itself; it comes from the locks too.
RUN pip install --require-hashes --target /builder --requirement /locks/demo.txt
COPY pyproject.toml README.md LICENSE /app/
COPY server /app/server
COPY schema /app/schema
COPY tenants /app/tenants
COPY auth /app/auth
COPY platform /app/platform
COPY migrations /app/migrations
COPY requirements/run.txt /app/requirements/run.txt
RUN PYTHONPATH=/builder /opt/pat/bin/pip install --no-deps --no-build-isolation --editable /app \
    && /opt/pat/bin/python -m compileall -q /app /opt/pat

FROM python:3.13-slim-trixie AS api
# Nothing that runs owns a file of the program; it writes into /keys (and `tools` into /backups), and nowhere else.
RUN groupadd --gid 10001 pat \
    && useradd --uid 10001 --gid pat --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin pat \
    && install --directory --owner pat --group pat --mode 700 /keys /backups
COPY --from=build /opt/pat /opt/pat
COPY --from=build /app /app
COPY --from=web /web/dist /app/web/dist
ENV PATH=/opt/pat/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PAT_KEY_FOLDER=/keys
WORKDIR /app
USER 10001:10001
EXPOSE 8000
ENTRYPOINT ["pat"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8000"]

FROM api AS tools
USER root
RUN apt-get update && apt-get install --yes --no-install-recommends postgresql-common ca-certificates \
    && /usr/share/postgresql-common/pgdg/apt.postgresql.org.sh -y \
    && apt-get install --yes --no-install-recommends postgresql-client-18 \
    && rm -rf /var/lib/apt/lists/*
USER 10001:10001
ENV PAT_BACKUP_FOLDER=/backups
CMD ["doctor"]

# What is built without naming a stage.
FROM api
