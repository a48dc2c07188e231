# make run: the app, the API and their workers, on this machine. make test: every test. See README.md.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
export HAR_APP_PORT ?= 8501
export HAR_API_PORT ?= 8000
HAR_MLFLOW_PORT ?= 5000
HAR_DOCS_PORT ?= 8080
# 0.0.0.0 opens the app to the network.
export HAR_APP_HOST ?= 127.0.0.1
PHOTOS ?= photos
UNLABELLED ?= $(PHOTOS)/flickr8k
DATASET ?= everyday
BIN := .venv/bin

.PHONY: run app api worker jobs mlflow test lint format lock schema reference docs docs-serve \
	screenshots notices audit bench train-everyday train-sports cards backbone examples clean

run: .venv/installed
	@$(BIN)/python deploy/check_ports.py $(HAR_APP_PORT) $(HAR_API_PORT)
	@exec $(BIN)/honcho start

app: .venv/installed
	@$(BIN)/python deploy/check_ports.py $(HAR_APP_PORT)
	@exec $(BIN)/streamlit run Home.py --server.port $(HAR_APP_PORT) --server.address $(HAR_APP_HOST)

api: .venv/installed
	@$(BIN)/python deploy/check_ports.py $(HAR_API_PORT)
	@exec $(BIN)/gunicorn -c deploy/gunicorn.conf.py

worker: .venv/installed
	@exec $(BIN)/python -m training.worker

jobs: .venv/installed
	@exec $(BIN)/python manage.py work_jobs

# Shows what the trainings have kept in MLflow, on http://localhost:5000.
mlflow: .venv/installed
	@exec $(BIN)/mlflow ui --port $(HAR_MLFLOW_PORT) --backend-store-uri $${MLFLOW_TRACKING_URI:-sqlite:///$(or $(HAR_HOME),var)/mlflow/mlflow.db}

# Files of tests side by side; those in the browser alone, since they wait for what others would hold up.
test: .venv/installed-dev
	@tests/install_programs.sh
	$(BIN)/pytest -n 3 --dist loadfile -m "not browser"
	$(BIN)/pytest -m browser

lint: .venv/installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/bandit -q -c pyproject.toml -r har_core har_cli har_ui har_client api_service training deploy tools

format: .venv/installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The full set of packages, from the pinned ones.
lock: .venv/installed-dev
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --no-header requirements.txt requirements-dev.txt -o requirements.lock

# The API's description, from the code.
schema: .venv/installed
	$(BIN)/python manage.py spectacular --validate --fail-on-warn --file docs/api/openapi.yaml

# The pages of docs/ that come from the code.
reference: schema
	$(BIN)/python -m tools.document

# The docs as a site, in site/; docs-serve shows it, and follows what is written, on http://localhost:8080.
docs: .venv/installed-dev
	$(BIN)/mkdocs build --strict

docs-serve: .venv/installed-dev
	$(BIN)/mkdocs serve --dev-addr localhost:$(HAR_DOCS_PORT)

# Every page, light and dark, on a desk and on a phone; build/screenshots/index.html has them all.
screenshots: .venv/installed-dev
	@tests/install_programs.sh
	$(BIN)/python -m tools.take_screenshots build/screenshots

# Whose work is in it, under which licence.
notices: .venv/installed-dev
	$(BIN)/python -m tools.collect_notices

# Known holes in what requirements.lock names.
audit: .venv/installed-dev
	$(BIN)/pip-audit --strict --disable-pip --no-deps -r requirements.lock

bench: .venv/installed-dev
	$(BIN)/python -m benchmarks.serving

# The models of data/*.csv; data/README.md says where their photos come from. PHOTOS is the folder with them; OTHER, if given,
# that with the photos of other.csv.
train-everyday: ROOTS = flickr8k=$(PHOTOS) willow=$(PHOTOS) flickr8k-unlabelled=$(UNLABELLED)
train-sports: ROOTS = sports=$(PHOTOS)
train-everyday train-sports: train-%: .venv/installed
	$(BIN)/har data show $* >/dev/null 2>&1 || \
		$(BIN)/har data import csv data/$*.csv $(addprefix --root ,$(ROOTS)) --name $*
	$(if $(OTHER),$(BIN)/har data show other >/dev/null 2>&1 || \
		$(BIN)/har data import csv data/other.csv --root flickr8k=$(OTHER) --name other)
	$(BIN)/har train $* --dataset $* $(if $(OTHER),--set outliers=other)

# The cards of the models that ship, for those who read docs/.
cards:
	rm -rf docs/models
	set -e; for bundle in models/*@*; do \
		folder=docs/models/$$(basename $${bundle%@*}); mkdir -p $$folder; \
		cp $$bundle/card.md $$bundle/calibration.svg $$folder; \
	done

# The ImageNet network that gives photos their embeddings; DATASET is the name of one with photos to calibrate it on.
backbone: .venv/installed
	$(BIN)/python -m training.backbones.export $(DATASET)

examples: .venv/installed-dev
	$(BIN)/python -m tools.draw_examples

clean:
	rm -rf .venv build site *.egg-info

.venv/installed: requirements.txt requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install -q --upgrade pip
	$(BIN)/pip install -q -r requirements.txt -c requirements.lock
	$(BIN)/pip install -q --no-deps -e .
	@touch $@

.venv/installed-dev: .venv/installed requirements-dev.txt requirements-cluster.txt
	$(BIN)/pip install -q -r requirements-dev.txt -c requirements.lock
	@touch $@
