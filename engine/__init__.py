"""The Locuscope engine: sources, models, analyses, views, exports and the service above them; no Streamlit below this line."""
