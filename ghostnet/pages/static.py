"""Static files as images hold them."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class CollectedFiles(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Compressed, under names that change with their content, which scripts import each other by, too."""

    support_js_module_import_aggregation = True
