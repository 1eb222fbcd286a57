"""A ticket whose text must vanish."""

SECRET = "独一无二的密语乙丙丁"


PERSONAL = {
    "text": f"{SECRET} 我家漏水",
    "title": f"{SECRET} 标题",
    "district": f"{SECRET} 区",
    "unit": f"{SECRET} 局",
    "meta": {"caller": SECRET},
}
