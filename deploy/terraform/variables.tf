variable "project_id" {
  description = "The project that runs the job and holds the dataset."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project_id))
    error_message = "project_id is the project's id, such as my-project: 6 to 30 small letters, digits and hyphens. It is neither its name nor its number."
  }
}

variable "alert_email" {
  description = "Who is told when a sync fails."
  type        = string

  validation {
    condition     = can(regex("^[^@[:space:]]+@[^@[:space:]]+\\.[^@[:space:]]+$", var.alert_email))
    error_message = "alert_email is one address, such as data-team@acme.example."
  }
}

variable "image" {
  description = "The image in full, with its tag or digest. Empty: everything is made but the job, its schedule and its alerts, as on the very first day, when there is no image yet."
  type        = string
  default     = ""

  validation {
    condition     = var.image == "" || can(regex("^[a-z0-9.-]+/.+(:[A-Za-z0-9_][A-Za-z0-9_.-]*|@sha256:[0-9a-f]{64})$", var.image))
    error_message = "image ends with a tag or a digest, such as europe-west1-docker.pkg.dev/my-project/windrow/windrow:v1.2.3."
  }
}

variable "name" {
  description = "What the job, its accounts, secrets and repository are called or begin with."
  type        = string
  default     = "windrow"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,18}[a-z0-9]$", var.name))
    error_message = "name has 6 to 20 small letters, digits and hyphens, because a service account's name is made of it."
  }
}

variable "region" {
  description = "Where the job runs and its image lies."
  type        = string
  default     = "europe-west1"

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "region is a Cloud Run region, such as europe-west1. EU and US are locations of datasets, not regions."
  }
}

variable "settings" {
  description = "WINDROW_ variables that are no secrets, by name. WINDROW_SINK is made from the dataset or the bucket."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for name in keys(var.settings) : can(regex("^WINDROW_[A-Z0-9_]+$", name))])
    error_message = "Every name in settings begins with WINDROW_ and is written in capitals."
  }
  validation {
    condition     = alltrue([for name in keys(var.settings) : !can(regex("(_TOKEN|_PASSWORD|_KEY)$", name))])
    error_message = "A token, password or key does not belong in settings, where the state would hold it. Name its variable in secrets."
  }
  validation {
    condition     = !contains(keys(var.settings), "WINDROW_REPORT")
    error_message = "WINDROW_REPORT is made from report_bucket."
  }
  validation {
    condition     = !contains(keys(var.settings), "WINDROW_SINK")
    error_message = "WINDROW_SINK is made from project_id, dataset_id and dataset_location."
  }
}

variable "secrets" {
  description = "Names of the WINDROW_ variables whose values are secrets. For each a secret is made, without a value."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for name in var.secrets : can(regex("^WINDROW_[A-Z0-9_]+(_TOKEN|_PASSWORD|_KEY)$", name))])
    error_message = "secrets holds names of variables, such as WINDROW_DIALPAD_TOKEN, never values."
  }
}

variable "dataset_id" {
  description = "The dataset of the tables."
  type        = string
  default     = "windrow"

  validation {
    condition     = can(regex("^[A-Za-z0-9_]+$", var.dataset_id))
    error_message = "dataset_id has letters, digits and underscores alone."
  }
}

variable "dataset_location" {
  description = "Where the tables lie. It cannot be changed later."
  type        = string
  default     = "EU"

  validation {
    condition     = can(regex("^(EU|US|[a-z]+-[a-z]+[0-9]+)$", var.dataset_location))
    error_message = "dataset_location is EU, US or a region such as europe-west1."
  }
}

variable "dataset_readers" {
  description = "Who may read the tables, as IAM members: group:analysts@acme.example."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for member in var.dataset_readers : can(regex("^(user|group|serviceAccount|domain):.+", member))])
    error_message = "A member of dataset_readers begins with user:, group:, serviceAccount: or domain:."
  }
}

variable "schedule" {
  description = "When the job starts, as a cron line. Dialpad's days are due six hours after their end."
  type        = string
  default     = "30 7 * * *"

  validation {
    condition     = can(regex("^[^ ]+( [^ ]+){4}$", var.schedule))
    error_message = "schedule has five fields, such as \"30 7 * * *\"."
  }
}

variable "schedule_time_zone" {
  description = "The zone of the schedule: best that of your westernmost account."
  type        = string
  default     = "Etc/UTC"

  validation {
    condition     = can(regex("^[A-Za-z]+(/[A-Za-z0-9_+-]+)+$", var.schedule_time_zone))
    error_message = "schedule_time_zone is an IANA zone, such as America/Chicago or Etc/UTC."
  }
}

variable "task_count" {
  description = "Tasks that share the windows of an execution. One does a night; a backfill asks for more when it is started."
  type        = number
  default     = 1

  validation {
    condition     = var.task_count >= 1 && var.task_count <= 50 && floor(var.task_count) == var.task_count
    error_message = "task_count is a whole number from 1 to 50. Each task has its share of the vendors' rates, so many tasks do not read faster."
  }
}

variable "task_timeout" {
  description = "How long one attempt of a task may run, in seconds. Cloud Run's default of 600s ends a run that waits for reports; an exhausted hourly quota of Dialpad takes an hour."
  type        = string
  default     = "10800s"

  validation {
    condition     = can(regex("^[0-9]+s$", var.task_timeout)) && try(tonumber(trimsuffix(var.task_timeout, "s")) >= 3600 && tonumber(trimsuffix(var.task_timeout, "s")) <= 604800, false)
    error_message = "task_timeout is 3600s to 604800s (7 days): an hour at least, because an hourly quota is waited for."
  }
}

variable "max_retries" {
  description = "Attempts that follow a failed one. Each reads what is not yet committed."
  type        = number
  default     = 3

  validation {
    condition     = var.max_retries >= 0 && var.max_retries <= 10 && floor(var.max_retries) == var.max_retries
    error_message = "max_retries is a whole number from 0 to 10."
  }
}

variable "memory" {
  description = "Memory of a task. The temporary folder, where read windows wait for their commit, is part of it; a group is committed when it takes a quarter."
  type        = string
  default     = "1Gi"

  validation {
    condition     = contains(["512Mi", "1Gi", "2Gi", "4Gi"], var.memory)
    error_message = "memory is 512Mi, 1Gi, 2Gi or 4Gi, which are what one CPU may have."
  }
}

variable "warehouse_bucket" {
  description = "Name of a bucket that is made for the tables, as Parquet files beneath gs://NAME/warehouse, in dataset_location. Empty: they go into BigQuery."
  type        = string
  default     = ""

  validation {
    condition     = var.warehouse_bucket == "" || can(regex("^[a-z0-9][a-z0-9_-]{1,61}[a-z0-9]$", var.warehouse_bucket))
    error_message = "warehouse_bucket has 3 to 63 small letters, digits, hyphens and underscores, and is unique in the world."
  }
}

variable "archive_bucket" {
  description = "Name of a bucket that is made for the vendors' answers. Empty: none. WINDROW_ARCHIVE among the settings names it too: gs://NAME/raw."
  type        = string
  default     = ""

  validation {
    condition     = var.archive_bucket == "" || can(regex("^[a-z0-9][a-z0-9_-]{1,61}[a-z0-9]$", var.archive_bucket))
    error_message = "archive_bucket has 3 to 63 small letters, digits, hyphens and underscores, and is unique in the world."
  }
}

variable "archive_days" {
  description = "After how many days an archived payload is deleted."
  type        = number
  default     = 400

  validation {
    condition     = var.archive_days >= 1 && floor(var.archive_days) == var.archive_days
    error_message = "archive_days is a whole number above zero."
  }
}

variable "report_bucket" {
  description = "Name of the bucket that is made for the report of the last run, which dataset_readers may open. Null: PROJECT-NAME-report. Empty: none."
  type        = string
  default     = null

  validation {
    condition     = var.report_bucket == null ? true : var.report_bucket == "" || can(regex("^[a-z0-9][a-z0-9_-]{1,61}[a-z0-9]$", var.report_bucket))
    error_message = "report_bucket has 3 to 63 small letters, digits, hyphens and underscores, and is unique in the world."
  }
}
